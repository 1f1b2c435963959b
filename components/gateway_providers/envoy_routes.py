"""The routes of the standalone gateway; pure.

Two ways lead to a model: its own path, `/<name>/v1/...`, and `/v1/...` with the model's served name in the request's
body (docs/adr/0010). On the second, a filter puts the body's `model` into the request's metadata and has the route
looked up again. What no model answers, the gateway does, in OpenAI's shapes.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from components.gateway_providers import openai_answers
from components.gateway_providers.base import GatewaySpec, ModelRoute
from naming import ModelNames

__all__ = ["CHOSEN_POD", "JSON_TO_METADATA", "NEVER", "body_reader", "catalogue_routes", "picker_cluster", "routes"]

CHOSEN_POD = "chosen-pod"
"""The cluster of whichever pod the picker chose."""

NEVER = "86400s"
"""A token stream may last as long as the longest generation: the proxy never cuts it."""

JSON_TO_METADATA = "envoy.filters.http.json_to_metadata"
_EXT_PROC = "envoy.filters.http.ext_proc"
_TYPE = "type.googleapis.com/envoy"

# Namespace of the metadata: what the body's `model` is, or why nobody knows.
_METADATA = "llm-d.ai"
_MODEL = "model"
_FAULT = "fault"

# What a segment of a URL path may hold as it is; a served name is a path of such segments, or is quoted.
_PATH_CHARACTERS = "/:@!$&'()*+,;=-._~"


def routes(spec: GatewaySpec) -> list[dict[str, Any]]:
    """Every route, in the order that Envoy looks at them: it takes the first that matches."""
    # The longest path first.
    ordered = sorted(spec.routes, key=lambda route: (-len(route.path), route.path))
    by_path = [_by_path(route) for route in ordered]
    if not spec.routes_by_body:
        return by_path
    return [*by_path, *_base_url(spec), _answer({"prefix": "/"}, 404, openai_answers.no_path(_paths(spec)))]


def picker_cluster(model: str) -> str:
    """Name of the cluster of a model's picker."""
    return ModelNames(model=model).picker


def body_reader() -> dict[str, Any]:
    """The filter that puts the body's `model` into the metadata, and has the route looked up again."""

    def entry(key: str, **value: object) -> dict[str, object]:
        return {"metadata_namespace": _METADATA, "key": key, **value}

    rule = {
        "selectors": [{"key": "model"}],
        "on_present": entry(_MODEL, type="STRING"),
        "on_missing": entry(_FAULT, value="missing"),
        "on_error": entry(_FAULT, value="unreadable"),
    }
    return {
        "name": JSON_TO_METADATA,
        "typed_config": {
            "@type": f"{_TYPE}.extensions.filters.http.json_to_metadata.v3.JsonToMetadata",
            "request_rules": {
                "rules": [rule],
                # The filter compares the whole header, and some clients name the character set.
                "allow_content_types_regex": {"regex": r"(?i)application/json\s*(;.*)?"},
            },
        },
    }


def catalogue_routes(spec: GatewaySpec) -> list[dict[str, Any]]:
    """What the model catalogue answers: it is sent what no model's route took."""
    named = {"prefix": "/", "headers": [{"name": spec.body_router.header, "present_match": True}]}
    return [
        *_models(spec.served_names),
        _answer(named, 404, openai_answers.no_such_model(spec.served_names)),
        _answer({"prefix": "/"}, 400, openai_answers.unnamed_model()),
    ]


def _models(names: list[str]) -> Iterator[dict[str, Any]]:
    yield _answer({"path": "/v1/models"}, 200, openai_answers.model_list(names))
    for name in names:
        path = f"/v1/models/{quote(name, safe=_PATH_CHARACTERS)}"
        yield _answer({"path": path}, 200, openai_answers.model_object(name))
    yield _answer({"path_separated_prefix": "/v1/models"}, 404, openai_answers.no_such_model(names))


def _base_url(spec: GatewaySpec) -> Iterator[dict[str, Any]]:
    names = spec.served_names
    yield from _models(names)
    for route in spec.routes:
        for name in route.served_names:
            match = {"path_separated_prefix": "/v1", "dynamic_metadata": [_metadata(_MODEL, name)]}
            yield _to_model(f"{route.model}-by-name", match, route)
    # Filters are chosen by the first look-up, which ends at the last of these: the picker's has to be among them,
    # though idle, for the second look-up to find one, and to be idle again where that finds no model.
    idle = {_EXT_PROC: _picker({"disabled": True})}
    for fault, body in (("missing", openai_answers.unnamed_model()), ("unreadable", openai_answers.unreadable_body())):
        match = {"path_separated_prefix": "/v1", "dynamic_metadata": [_metadata(_FAULT, fault)]}
        yield {**_answer(match, 400, body), "typed_per_filter_config": idle}
    unknown = _answer({"path_separated_prefix": "/v1"}, 404, openai_answers.no_such_model(names))
    yield {**unknown, "typed_per_filter_config": idle}


def _by_path(route: ModelRoute) -> dict[str, Any]:
    match: dict[str, Any] = {"prefix": "/"} if route.path == "/" else {"path_separated_prefix": route.path}
    made = _to_model(route.model, match, route)
    if route.path != "/":
        # /model and /model/v1/x become / and /v1/x.
        made["route"]["regex_rewrite"] = {"pattern": {"regex": f"^{route.path}/?(.*)$"}, "substitution": "/\\1"}
        # The path says which model: the body streams through, whatever its size and type.
        off = {"@type": f"{_TYPE}.config.route.v3.FilterConfig", "disabled": True}
        made["typed_per_filter_config"][JSON_TO_METADATA] = off
    return made


def _to_model(name: str, match: dict[str, Any], route: ModelRoute) -> dict[str, Any]:
    return {
        "name": name,
        "match": match,
        "route": {**_cluster(route), "timeout": NEVER, "idle_timeout": NEVER},
        "typed_per_filter_config": {_EXT_PROC: _asked(route.model)},
    }


def _cluster(route: ModelRoute) -> dict[str, Any]:
    """Whoever the picker chose; with a canary the draw is which picker is asked, for all pods are one cluster."""
    if route.canary is None:
        return {"cluster": CHOSEN_POD}
    clusters = [
        {"name": CHOSEN_POD, "weight": share.weight, "typed_per_filter_config": {_EXT_PROC: _asked(share.model)}}
        for share in route.shares
    ]
    return {"weighted_clusters": {"clusters": clusters}}


def _asked(model: str) -> dict[str, Any]:
    """A model's picker, in the place of the filter's own."""
    cluster = picker_cluster(model)
    grpc = {"envoy_grpc": {"cluster_name": cluster, "authority": cluster}, "timeout": "10s"}
    return _picker({"overrides": {"grpc_service": grpc}})


def _answer(match: dict[str, Any], status: int, body: str) -> dict[str, Any]:
    """A route that the gateway answers itself, without a picker."""
    content_type = {"key": "content-type", "value": "application/json"}
    return {
        "match": match,
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [{"header": content_type, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def _picker(config: dict[str, Any]) -> dict[str, Any]:
    return {"@type": f"{_TYPE}.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", **config}


def _metadata(key: str, value: str) -> dict[str, Any]:
    return {"filter": _METADATA, "path": [{"key": key}], "value": {"string_match": {"exact": value}}}


def _paths(spec: GatewaySpec) -> list[str]:
    return [route.path for route in spec.routes]
