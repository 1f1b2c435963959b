"""What requests to a model are worth to its picker when there is no room for all of them."""

from pydantic import Field

from settings.base import SettingsModel

__all__ = ["ObjectiveSettings"]

_INT32 = 2**31
"""Priorities are below it, either way (format `int32` of the CRD)."""


class ObjectiveSettings(SettingsModel):
    """A kind of request to one model. Its key is what clients write in the header `x-gateway-inference-objective`."""

    priority: int = Field(gt=-_INT32, lt=_INT32)
    """Higher goes first once the servers are full; requests without the header have 0. Line v0.4 knows no order, it
    refuses what is below 0 then."""
