"""A second version of a model, which takes a share of its requests."""

from pydantic import Field

from settings.base import ModelName, SettingsModel

__all__ = ["CanarySettings"]


class CanarySettings(SettingsModel):
    """The other version is a model of this stack, with the same `servedName` and a path of its own to try it at.

    What is the first version's alone does not follow its requests there: `objectives` are of one pool.
    """

    model: ModelName
    """The other version."""
    weight: int = Field(ge=0, le=100)
    """Share of the requests that it answers, percent. Blue/green is 0, and then 100."""
