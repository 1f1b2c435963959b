"""Envoy's static configuration for the standalone gateway; pure.

Reference: the Envoy sidecar of llm-d's standalone mode (guides/inference-scheduling/standalone-inference-scheduling).
What differs: one Envoy serves all models of a stack instead of a sidecar in each picker (docs/adr/0003), so there is
a picker cluster per model and routes to all of them (`envoy_routes`), and the pickers' Services tell who is ready,
where upstream's Envoy asks its one neighbour itself; log lines are not at trace level.
"""

from typing import Any

from components.endpoint_picker.objects import EXT_PROC_PORT
from components.gateway_providers import openai_answers
from components.gateway_providers.base import GatewaySpec
from components.gateway_providers.envoy_routes import (
    CHOSEN_POD,
    NEVER,
    body_reader,
    catalogue_routes,
    picker_cluster,
    routes,
)
from components.yaml_text import yaml_text
from naming import service_host

__all__ = ["LISTENER_PORT", "MEMORY_BYTES", "READY_PORT", "TLS_MOUNT", "catalogue_config", "envoy_config"]

LISTENER_PORT = 8081
READY_PORT = 19001
_ADMIN_PORT = 19000

TLS_MOUNT = "/etc/envoy-tls"

_TYPE = "type.googleapis.com/envoy"

MEMORY_BYTES = 2 * 1024**3
"""What the pod may use; Envoy refuses requests before it is killed for more."""

# A request that is routed by its body is held until it is whole, then handed to the picker as one gRPC message, of
# which it takes 4 MiB (grpc.NewServer() in gateway-api-inference-extension 1.2, pkg/epp/server/runserver.go): what is
# larger would get a 500. Below a model's own path bodies pass in parts, whatever their size.
_BODY_BYTES = 4 * 1024**2 - 64 * 1024

# Envoy's default of 1,024 connections, pending requests and requests per cluster would reject bursts that the pickers
# are there to queue.
_BREAKERS = {"thresholds": [{"max_connections": 40000, "max_pending_requests": 40000, "max_requests": 40000}]}

# The picker answers with the chosen pod's address in this header.
_DESTINATION_HEADER = "x-gateway-destination-endpoint"


def envoy_config(spec: GatewaySpec) -> str:
    """The configuration as YAML."""
    document = {
        "admin": {
            "address": _address("127.0.0.1", _ADMIN_PORT),
        },
        "overload_manager": _overload_manager(),
        "static_resources": {
            "listeners": [_ready_listener(), _listener(spec)],
            "clusters": [
                _local_admin(),
                _chosen_pod(),
                *(_picker(spec.namespace, picker_cluster(route.model)) for route in spec.routes),
            ],
        },
    }
    return yaml_text(document)


def catalogue_config(spec: GatewaySpec) -> str:
    """The configuration of the model catalogue as YAML."""
    table = catalogue_routes(spec)
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "catalogue",
        "route_config": _route_config("catalogue", table),
        "http_filters": [_router()],
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    }
    document = {
        "admin": {"address": _address("127.0.0.1", _ADMIN_PORT)},
        "static_resources": {
            "listeners": [
                _ready_listener(),
                {
                    "name": "catalogue",
                    "address": _address("0.0.0.0", LISTENER_PORT),  # noqa: S104 - the pod's own address
                    "filter_chains": [
                        {
                            "filters": [
                                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
                            ]
                        }
                    ],
                },
            ],
            "clusters": [_local_admin()],
        },
    }
    return yaml_text(document)


def _route_config(name: str, table: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "max_direct_response_body_size_bytes": _longest_answer(table),
        "virtual_hosts": [{"name": name, "domains": ["*"], "routes": table}],
    }


def _listener(spec: GatewaySpec) -> dict[str, Any]:
    table = routes(spec)
    readers = [body_reader()] if spec.routes_by_body else []
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "inference",
        "route_config": _route_config("models", table),
        "local_reply_config": {"mappers": [_too_large()]},
        "http_filters": [_without_destination(), *readers, _ext_proc(), _router()],
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        "stream_idle_timeout": NEVER,
    }
    chain: dict[str, Any] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    }
    if spec.tls_secret is not None:
        chain["transport_socket"] = _downstream_tls()
    return {
        "name": "inference",
        "address": _address("0.0.0.0", LISTENER_PORT),  # noqa: S104 - the pod's own address
        "per_connection_buffer_limit_bytes": _BODY_BYTES if readers else 32768,
        "filter_chains": [chain],
    }


def _too_large() -> dict[str, Any]:
    """Envoy's own 413, in words that help."""
    equal = {"op": "EQ", "value": {"default_value": 413, "runtime_key": "llm-d.too-large"}}
    body = {"inline_string": openai_answers.too_large(_BODY_BYTES)}
    return {
        "filter": {"status_code_filter": {"comparison": equal}},
        "body_format_override": {"text_format_source": body, "content_type": "application/json"},
    }


def _longest_answer(table: list[dict[str, Any]]) -> int:
    """Envoy refuses an answer of its own that is longer than 4 KiB, unless it is told: the list of models may be."""
    bodies = [route["direct_response"]["body"]["inline_string"] for route in table if "direct_response" in route]
    return max([4096, *(len(body.encode()) for body in bodies)])


def _overload_manager() -> dict[str, Any]:
    """Bodies are held in memory: near its limit Envoy answers 503, where the kernel would end it and every stream."""

    def action(name: str, share: float) -> dict[str, Any]:
        trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": share}}
        return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}

    heap = {
        "@type": f"{_TYPE}.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        "max_heap_size_bytes": MEMORY_BYTES,
    }
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [{"name": "envoy.resource_monitors.fixed_heap", "typed_config": heap}],
        "actions": [action("shrink_heap", 0.8), action("stop_accepting_requests", 0.9)],
    }


def _without_destination() -> dict[str, Any]:
    """Takes the picker's header off what comes from clients: with it they could send Envoy to any address."""
    return {
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": f"{_TYPE}.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"remove": _DESTINATION_HEADER}]},
        },
    }


def _ext_proc() -> dict[str, Any]:
    # Every route to a model switches the filter on and brings its own picker. The filter itself needs one all the same.
    # It is off for all else: what Envoy answers without a route, as the redirect of an escaped slash, would hang in it.
    return {
        "name": "envoy.filters.http.ext_proc",
        "disabled": True,
        "typed_config": {
            "@type": f"{_TYPE}.extensions.filters.http.ext_proc.v3.ExternalProcessor",
            "grpc_service": {"envoy_grpc": {"cluster_name": "admin"}, "timeout": "10s"},
            "processing_mode": {
                "request_header_mode": "SEND",
                "response_header_mode": "SEND",
                "request_body_mode": "FULL_DUPLEX_STREAMED",
                "response_body_mode": "FULL_DUPLEX_STREAMED",
                "request_trailer_mode": "SEND",
                "response_trailer_mode": "SEND",
            },
            "message_timeout": "1000s",
        },
    }


def _router() -> dict[str, Any]:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": f"{_TYPE}.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
        },
    }


def _chosen_pod() -> dict[str, Any]:
    return {
        "name": CHOSEN_POD,
        "type": "ORIGINAL_DST",
        "connect_timeout": "10s",
        "lb_policy": "CLUSTER_PROVIDED",
        "circuit_breakers": _BREAKERS,
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": _DESTINATION_HEADER},
    }


def _picker(namespace: str, name: str) -> dict[str, Any]:
    tls = f"{_TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    options = f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions"
    windows = {"initial_stream_window_size": 65536, "initial_connection_window_size": 1048576}
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "10s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": _BREAKERS,
        # The picker serves with a certificate that it signs itself at start; NetworkPolicy says who may ask it.
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {"@type": tls, "common_tls_context": {"validation_context": {}}},
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                "explicit_http_config": {"http2_protocol_options": windows},
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(service_host(name, namespace), EXT_PROC_PORT)]}],
        },
    }


def _ready_listener() -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ready",
        "route_config": {
            "name": "ready",
            "virtual_hosts": [
                {
                    "name": "ready",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/stats/prometheus"}, "route": {"cluster": "admin"}}],
                }
            ],
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.health_check",
                "typed_config": {
                    "@type": f"{_TYPE}.extensions.filters.http.health_check.v3.HealthCheck",
                    "pass_through_mode": False,
                    "headers": [{"name": ":path", "string_match": {"exact": "/ready"}}],
                },
            },
            _router(),
        ],
    }
    return {
        "name": "ready",
        "address": _address("0.0.0.0", READY_PORT),  # noqa: S104 - the kubelet probes the pod's address
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _local_admin() -> dict[str, Any]:
    return {
        "name": "admin",
        "type": "STATIC",
        "connect_timeout": "0.25s",
        "load_assignment": {
            "cluster_name": "admin",
            "endpoints": [{"lb_endpoints": [_endpoint("127.0.0.1", _ADMIN_PORT)]}],
        },
    }


def _downstream_tls() -> dict[str, Any]:
    # A certificate that is rotated in the Secret is read again from the mounted files.
    files = {"filename": f"{TLS_MOUNT}/tls.crt"}, {"filename": f"{TLS_MOUNT}/tls.key"}
    certificate = {
        "certificate_chain": files[0],
        "private_key": files[1],
        "watched_directory": {"path": TLS_MOUNT},
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [certificate],
            },
        },
    }


def _endpoint(host: str, port: int) -> dict[str, Any]:
    return {"endpoint": {"address": _address(host, port)}}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
