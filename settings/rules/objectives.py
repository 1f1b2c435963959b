"""Priorities of requests: what the line's picker makes of them, and names that two models cannot share."""

from collections.abc import Iterator

from releases import RELEASES
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _orders(settings: StackSettings) -> Iterator[Fault]:
    """A priority above that of all other requests is there for a picker that orders by it."""
    release = RELEASES.get(settings.release)
    if release is None or release.picker.flow_control is not None:
        return
    for name, model in settings.models.items():
        for objective, given in model.objectives.items():
            if given.priority > 0:
                yield Fault(
                    path=f"models.{name}.objectives.{objective}.priority",
                    problem=f"has no effect: the picker of line {release.name} refuses requests below 0 once the"
                    " servers are full, and lets all others through alike",
                    given=str(given.priority),
                    allowed="0 or less; line v0.9 orders by priority",
                )


def _names(settings: StackSettings) -> Iterator[Fault]:
    """An objective is an object of the namespace, and belongs to one pool."""
    owners: dict[str, str] = {}
    for name in sorted(settings.models):
        for objective in sorted(settings.models[name].objectives):
            if objective in owners:
                yield Fault(
                    path=f"models.{name}.objectives.{objective}",
                    problem=f"the objective is model {owners[objective]}'s, and belongs to that model's pool alone",
                    allowed="a name of its own, such as <model>-<objective>",
                )
            owners.setdefault(objective, name)


RULES = (
    Rule(needs=frozenset({"release"}), of_model=frozenset({"objectives"}), check=_orders),
    Rule(needs=frozenset(), of_model=frozenset({"objectives"}), check=_names),
)
