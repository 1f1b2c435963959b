"""Envoy's static configuration for the standalone gateway; pure.

Reference: the Envoy sidecar of llm-d's standalone mode (guides/inference-scheduling/standalone-inference-scheduling).
What differs: one Envoy serves all models of a stack instead of a sidecar in each picker (docs/adr/0003), so there is
a route and a picker cluster per model, and the pickers' Services tell who is ready, where upstream's Envoy asks its one
neighbour itself; log lines are not at trace level.
"""

from typing import Any

from components.endpoint_picker.objects import EXT_PROC_PORT
from components.gateway_providers.base import GatewaySpec, ModelRoute
from components.yaml_text import yaml_text
from naming import ModelNames, service_host

__all__ = ["LISTENER_PORT", "READY_PORT", "TLS_MOUNT", "envoy_config"]

LISTENER_PORT = 8081
READY_PORT = 19001
_ADMIN_PORT = 19000

TLS_MOUNT = "/etc/envoy-tls"

_TYPE = "type.googleapis.com/envoy"

# A token stream may last as long as the longest generation: the proxy never cuts it.
_NEVER = "86400s"

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
        "static_resources": {
            "listeners": [_ready_listener(), _listener(spec)],
            "clusters": [
                _local_admin(),
                _chosen_pod(),
                *(_picker(spec.namespace, route) for route in spec.routes),
            ],
        },
    }
    return yaml_text(document)


def _listener(spec: GatewaySpec) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "inference",
        "route_config": {
            "name": "models",
            "virtual_hosts": [{"name": "models", "domains": ["*"], "routes": _routes(spec)}],
        },
        "http_filters": [_without_destination(), _ext_proc(), _router()],
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
        "stream_idle_timeout": _NEVER,
    }
    chain: dict[str, Any] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    }
    if spec.tls_secret is not None:
        chain["transport_socket"] = _downstream_tls()
    return {
        "name": "inference",
        "address": _address("0.0.0.0", LISTENER_PORT),  # noqa: S104 - the pod's own address
        "per_connection_buffer_limit_bytes": 32768,
        "filter_chains": [chain],
    }


def _routes(spec: GatewaySpec) -> list[dict[str, Any]]:
    # The longest path first: Envoy takes the first route that matches.
    ordered = sorted(spec.routes, key=lambda route: (-len(route.path), route.path))
    known = ", ".join(sorted(route.path for route in spec.routes))
    not_found = {
        "match": {"prefix": "/"},
        "direct_response": {
            "status": 404,
            "body": {"inline_string": f'{{"error": {{"message": "no model at this path; models: {known}"}}}}\n'},
        },
        "typed_per_filter_config": {"envoy.filters.http.ext_proc": _per_route({"disabled": True})},
    }
    routes = [_route(route) for route in ordered]
    return routes if any(route.path == "/" for route in ordered) else [*routes, not_found]


def _route(route: ModelRoute) -> dict[str, Any]:
    match: dict[str, Any] = {"prefix": "/"} if route.path == "/" else {"path_separated_prefix": route.path}
    action: dict[str, Any] = {
        "cluster": "chosen-pod",
        "timeout": _NEVER,
        "idle_timeout": _NEVER,
    }
    if route.path != "/":
        # /model and /model/v1/x become / and /v1/x.
        action["regex_rewrite"] = {"pattern": {"regex": f"^{route.path}/?(.*)$"}, "substitution": "/\\1"}
    grpc = {"envoy_grpc": {"cluster_name": _cluster(route), "authority": _cluster(route)}, "timeout": "10s"}
    return {
        "name": route.model,
        "match": match,
        "route": action,
        "typed_per_filter_config": {"envoy.filters.http.ext_proc": _per_route({"overrides": {"grpc_service": grpc}})},
    }


def _per_route(config: dict[str, Any]) -> dict[str, Any]:
    return {"@type": f"{_TYPE}.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", **config}


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
    # Every route brings its own picker. The filter itself needs one all the same: requests without a model never
    # reach it, for their route switches the filter off.
    return {
        "name": "envoy.filters.http.ext_proc",
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
        "name": "chosen-pod",
        "type": "ORIGINAL_DST",
        "connect_timeout": "10s",
        "lb_policy": "CLUSTER_PROVIDED",
        "circuit_breakers": _BREAKERS,
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": _DESTINATION_HEADER},
    }


def _cluster(route: ModelRoute) -> str:
    return ModelNames(model=route.model).picker


def _picker(namespace: str, route: ModelRoute) -> dict[str, Any]:
    name = _cluster(route)
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
