"""AWS' own words: parameters of a call against the service's model in botocore, enums included."""

from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator

__all__ = ["faults_of_call"]


@cache
def _model(service: str) -> Any:  # noqa: ANN401 - botocore is untyped
    return Session().get_service_model(service)


def faults_of_call(service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """What the model finds wrong with a call: unknown or missing parameters, types, and words that are in no enum."""
    shape = _model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    faults = [report.generate_report()] if report.has_errors() else []
    return [*faults, *_no_words(shape, parameters, operation)]


def _no_words(shape: Shape, value: Any, path: str) -> list[str]:  # noqa: ANN401
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = [(key, item) for key, item in value.items() if key in shape.members]
        return [fault for key, item in known for fault in _no_words(shape.members[key], item, f"{path}.{key}")]
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [fault for item in value for fault in _no_words(shape.member, item, f"{path}[]")]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return [fault for item in value.values() for fault in _no_words(shape.value, item, f"{path}{{}}")]
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        return [f"{path}: {value} is none of {', '.join(shape.enum)}"]
    return []
