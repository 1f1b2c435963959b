"""LoRA adapters: small changes to a model's weights, served beside the model itself by the same servers."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.base import SettingsModel

__all__ = ["AdapterName", "LoraAdapterSettings"]

# It stands between `=` and `,` in arguments of engines, and SGLang reads what is behind a colon as an adapter.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?")


def _adapter_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, '.', '_', '-' and '/', first and last a letter or digit")
    return value


AdapterName = Annotated[str, AfterValidator(_adapter_name)]
"""An adapter, as the engine names it."""


class LoraAdapterSettings(SettingsModel):
    """One adapter."""

    source: str
    """`hf://<org>/<adapter>`, which each pod downloads, or `pvc://<claim>/<path>` of an existing claim."""
    rank: int = Field(default=16, ge=1, le=512)
    """Its rank, `r` in its adapter_config.json; engines refuse an adapter of a higher one."""
