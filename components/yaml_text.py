"""YAML inside of ConfigMaps, as people read it in a diff; pure."""

from typing import Any

import yaml

__all__ = ["yaml_text"]


class _Plain(yaml.SafeDumper):
    """No anchors: two equal parts of a config are written twice, for a reader of one need not know the other."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the base class' signature
        return True


def yaml_text(document: object) -> str:
    """The document as YAML: keys sorted, so that the same config is the same text, and no line folded."""
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=True, width=10_000)
    return text
