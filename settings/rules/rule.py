"""What a rule is."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from settings.faults import Fault
from settings.stack import StackSettings

__all__ = ["Rule"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A check across keys."""

    needs: frozenset[str]
    """Paths that must be sound for the findings to mean anything."""
    of_model: frozenset[str] = frozenset()
    """Keys of a model that must be sound for the findings about that model to mean anything."""
    check: Callable[[StackSettings], Iterator[Fault]]

    def faults(self, settings: StackSettings, broken: AbstractSet[str]) -> list[Fault]:
        """What the rule finds in what is sound enough for it.

        Args:
            settings: What is sound of the config.
            broken: Paths that were at fault.
        """
        if any(_touches(need, broken) for need in self.needs):
            return []
        models = {
            name: model
            for name, model in settings.models.items()
            if not any(_touches(f"models.{name}.{key}", broken) for key in self.of_model)
        }
        return list(self.check(settings.model_copy(update={"models": models})))


def _touches(need: str, broken: AbstractSet[str]) -> bool:
    """Whether one of the broken paths is, holds or lies below the one that is needed."""
    return any(path == need or path.startswith(f"{need}.") or need.startswith(f"{path}.") for path in broken)
