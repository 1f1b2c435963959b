"""What a gateway answers by itself, in the shapes of OpenAI's API; pure.

A client that knows only the gateway's address asks for the models, or names one that is not there: no model server
can answer that for all of a stack, so the gateway does, from the plan.
"""

import json
from collections.abc import Iterable

__all__ = ["model_list", "model_object", "no_path", "no_such_model", "too_large", "unnamed_model", "unreadable_body"]


def model_list(names: Iterable[str]) -> str:
    """Answer to `GET /v1/models`."""
    return _json({"object": "list", "data": [_model(name) for name in sorted(names)]})


def model_object(name: str) -> str:
    """Answer to `GET /v1/models/<name>`."""
    return _json(_model(name))


def no_such_model(names: Iterable[str]) -> str:
    """A request for a model that is not of this stack, status 404."""
    known = ", ".join(sorted(names))
    return _error(f"the model does not exist; models of this gateway: {known}", "model", "model_not_found")


def unnamed_model() -> str:
    """A request whose body names no model, status 400."""
    message = "the request's body names no model; what has none belongs below a model's own path, <gateway>/<path>/v1"
    return _error(message, "model", "missing_required_parameter")


def unreadable_body() -> str:
    """A request whose body cannot be searched for a model, status 400."""
    message = "the request's body is not JSON, or is not said to be application/json; other bodies belong below a"
    return _error(f"{message} model's own path, <gateway>/<path>/v1", None, "invalid_json")


def too_large(limit: int) -> str:
    """A request whose body is too large to be searched for a model, status 413; the limit in bytes."""
    message = f"the request is larger than {limit} bytes, too large to be routed by the model in its body; it belongs"
    return _error(f"{message} below the model's own path, <gateway>/<path>/v1", None, "request_too_large")


def no_path(paths: Iterable[str]) -> str:
    """A request that is neither below `/v1` nor below a model's path, status 404."""
    known = ", ".join(sorted(paths))
    return _error(f"nothing is served at this path; /v1 serves every model, and these one each: {known}", None, None)


def _model(name: str) -> dict[str, object]:
    # When a model was made is nobody's to know here; the field is required and a number.
    return {"id": name, "object": "model", "created": 0, "owned_by": "llm-d"}


def _error(message: str, param: str | None, code: str | None) -> str:
    return _json({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
