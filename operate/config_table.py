"""The config table of README.md, from the settings themselves; pure.

Keys, types, bounds and defaults come from the models that validate a stack's config, meanings from the docstrings under
their fields. So a key that is added, renamed or moved shows up here, and a test fails until README.md says so as well.
"""

import ast
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from operate.errors import OperateError
from settings import base
from settings.faults import SECRET_PATHS
from settings.stack import StackSettings

__all__ = ["BEGIN", "END", "MarkersMissingError", "Row", "config_rows", "config_table", "with_table"]

BEGIN = "<!-- config table: `make docs` writes it, do not edit -->"
END = "<!-- end of the config table -->"

_SCALARS: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_QUANTITY = "quantity"
# Annotated types of settings/base.py in the words of README.md; the others are the scalars that they are made of.
_WORDS: Mapping[str, str] = {
    "Bytes": _QUANTITY,
    "CpuQuantity": _QUANTITY,
    "DnsLabel": "name",
    "DnsSubdomain": "name",
    "ImageReference": "image",
    "ModelName": "name",
}
_BINARY_UNITS = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


class MarkersMissingError(OperateError):
    """A document has no place for the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One key of the config."""

    path: str
    """As `pulumi config set --path` takes it behind `llm-d:`; `<name>` stands for a key that the user chooses."""
    type: str
    """What may stand there."""
    default: str
    """What is taken where the key is absent, or `required`; empty where the meaning or the keys below say it."""
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """A field's annotation, taken apart."""

    plain: Any
    metadata: tuple[Any, ...]

    @property
    def model(self) -> type[BaseModel] | None:
        """The settings model that it is, or that its values are."""
        found = get_args(self.plain)[1] if self.is_mapping else self.plain
        return found if isinstance(found, type) and issubclass(found, BaseModel) else None

    @property
    def words(self) -> type[StrEnum] | None:
        """The closed set of words that it is."""
        return self.plain if isinstance(self.plain, type) and issubclass(self.plain, StrEnum) else None

    @property
    def is_mapping(self) -> bool:
        return get_origin(self.plain) is Mapping


def config_table() -> str:
    """The table, in Markdown."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for row in config_rows():
        cells = (f"`{row.path}`", row.type, row.default, row.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(document: str) -> str:
    """The document with a fresh table between the markers.

    Raises:
        MarkersMissingError: if the markers are not there, once each and in order.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise MarkersMissingError(f"the document needs these two lines, once and in this order:\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n{config_table()}{END}{after}"


def config_rows() -> list[Row]:
    """Every key, in the order of the models; a key that holds others is followed by them."""
    return list(_rows(StackSettings, ()))


def _rows(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Row]:
    meanings = _docstrings(model)
    for name, field in model.model_fields.items():
        shape = _shape(field.annotation, field.metadata)
        path = (*above, field.alias or name)
        yield Row(
            path=".".join(path),
            type="secret" if path in SECRET_PATHS else _type(shape),
            default=_default(field, shape),
            meaning=_meaning(meanings.get(name), shape),
        )
        if shape.model is not None:
            yield from _rows(shape.model, (*path, "<name>") if shape.is_mapping else path)


def _shape(annotation: object, metadata: Iterable[object] = ()) -> _Shape:
    if get_origin(annotation) in (Union, types.UnionType):
        # A key is optional by `| None`; settings know no other union.
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    if get_origin(annotation) is Annotated:
        annotation, *own = get_args(annotation)
        return _shape(annotation, (*own, *metadata))
    return _Shape(plain=annotation, metadata=tuple(metadata))


def _checks(metadata: Iterable[object]) -> frozenset[object]:
    """The functions that an annotation is checked with: by them pydantic's fields still know where they come from."""
    return frozenset(getattr(item, "func", None) for item in metadata) - {None}


_SPOKEN: Mapping[frozenset[object], str] = {
    _checks(_shape(alias).metadata): _WORDS[name] for name, alias in vars(base).items() if name in _WORDS
}


def _type(shape: _Shape) -> str:
    found = _checks(shape.metadata)
    if spoken := next((word for checks, word in _SPOKEN.items() if checks <= found), None):
        return spoken
    if shape.words is not None:
        return " | ".join(f"`{word}`" for word in shape.words)
    if shape.model is not None:
        return "mapping"
    if shape.is_mapping or get_origin(shape.plain) is tuple:
        item = get_args(shape.plain)[1 if shape.is_mapping else 0]
        return f"{'mapping' if shape.is_mapping else 'list'} of {_type(_shape(item))}s"
    return _SCALARS[shape.plain] + _bounds(shape)


def _bounds(shape: _Shape) -> str:
    """` 1-65535`, ` >= 1`, or nothing."""
    found = {name: getattr(item, name) for item in shape.metadata for name in ("ge", "le") if hasattr(item, name)}
    if not found:
        return ""
    return f" {found['ge']}-{found['le']}" if "le" in found else f" >= {found['ge']}"


def _default(field: FieldInfo, shape: _Shape) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or isinstance(default, BaseModel) or default in ({}, ()):
        return ""
    is_size = isinstance(default, int) and _type(shape) == _QUANTITY
    return f"`{_quantity(default)}`" if is_size else f"`{default}`"


def _quantity(size: int) -> str:
    return next((f"{size // unit}{suffix}" for suffix, unit in _BINARY_UNITS if size % unit == 0), str(size))


def _meaning(docstring: str | None, shape: _Shape) -> str:
    """The field's own docstring, else its type's; and what each word of a closed set means, where that is said."""
    described = shape.words or shape.model
    text = docstring or (inspect.getdoc(described) or "" if described else "")
    words = _docstrings(shape.words) if shape.words else {}
    said = [f"`{word}`: {words[word.name]}" for word in shape.words or () if word.name in words]
    return " ".join([*text.split(), *said])


def _docstrings(cls: type) -> dict[str, str]:
    """Docstrings under a class' fields, its bases' among them, as one line each: Python itself throws them away."""
    ours = [base for base in reversed(cls.__mro__) if issubclass(base, BaseModel | StrEnum) and _is_ours(base)]
    return {name: text for base in ours for name, text in _docstrings_of(base).items()}


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "settings"


def _docstrings_of(cls: type) -> dict[str, str]:
    statements = ast.parse(Path(inspect.getfile(cls)).read_text()).body
    body = next(item.body for item in statements if isinstance(item, ast.ClassDef) and item.name == cls.__name__)
    found = {}
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
    return found
