"""What a client may ask for: one name, one model."""

from collections.abc import Iterator

from engines import LoraServing
from settings.faults import Fault
from settings.models import ModelSettings
from settings.rules.adapters import lora_of
from settings.rules.rule import Rule
from settings.source import served_name
from settings.stack import StackSettings

__all__ = ["RULES", "names_of"]


def names_of(settings: StackSettings, name: str, model: ModelSettings) -> Iterator[tuple[str, str]]:
    """What a client asks for to reach the model or one of its adapters, with the config path that says so."""
    try:
        served = served_name(name, model)
    except ValueError:
        return
    yield f"models.{name}.servedName", served
    lora = lora_of(settings, model)
    if isinstance(lora, LoraServing):
        for adapter in sorted(model.lora_adapters):
            yield f"models.{name}.loraAdapters.{adapter}", lora.named(served, adapter)


def _twice(settings: StackSettings) -> Iterator[Fault]:
    """No name is two models'; a canary has those of the model whose requests it answers."""
    canaries = {model.canary.model for model in settings.models.values() if model.canary is not None}
    owners: dict[str, str] = {}
    for name in sorted(settings.models.keys() - canaries):
        for path, value in names_of(settings, name, settings.models[name]):
            if value in owners:
                problem = f"the served name {value} is taken by {owners[value]}"
                yield Fault(path=path, problem=problem, given=value)
            is_adapter = not path.endswith(".servedName")
            owners.setdefault(value, f"{'an adapter of ' if is_adapter else ''}model {name}")


RULES = (
    Rule(
        needs=frozenset(),
        of_model=frozenset({"canary", "engine", "loraAdapters", "servedName", "source"}),
        check=_twice,
    ),
)
