"""Two versions of a model that share its requests: what they have to have in common, and gateways that can split."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from catalog import nearest
from settings.faults import Fault
from settings.gateway import GatewayProvider
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.rules.served_names import names_of
from settings.stack import StackSettings

__all__ = ["RULES"]

_ONE_PICKER: Mapping[GatewayProvider, str] = MappingProxyType(
    {
        GatewayProvider.ISTIO: "Istio asks the picker of one of two pools for all of a route's requests (istio#61594)",
        GatewayProvider.ENVOY_AI_GATEWAY: "it takes one InferencePool in a rule (its CRD's own validation)",
    }
)


def _providers(settings: StackSettings) -> Iterator[Fault]:
    """The gateway asks the picker of the version that it chose."""
    provider = settings.gateway.provider
    if provider not in _ONE_PICKER:
        return
    for name, model in settings.models.items():
        if model.canary is not None:
            yield Fault(
                path=f"models.{name}.canary",
                problem=f"provider {provider} cannot split a model's requests: {_ONE_PICKER[provider]}",
                allowed=f"gateway.provider {', '.join(sorted(set(GatewayProvider) - _ONE_PICKER.keys()))}",
            )


def _targets(settings: StackSettings) -> Iterator[Fault]:
    """The other version is one of the stack's models, and in one split only."""
    owners: dict[str, str] = {}
    for name in sorted(settings.models):
        canary = settings.models[name].canary
        if canary is None:
            continue
        path, other = f"models.{name}.canary.model", canary.model
        if other not in settings.models:
            known = sorted(settings.models.keys() - {name})
            near = nearest(other, known)
            yield Fault(path=path, problem="unknown model", given=other, allowed=", ".join(known) or None, nearest=near)
        elif other == name:
            yield Fault(path=path, problem="is the model itself", given=other, allowed="another model of the stack")
        elif settings.models[other].canary is not None:
            yield Fault(
                path=path, problem=f"model {other} has a canary itself: whose share would it answer?", given=other
            )
        elif other in owners:
            yield Fault(path=path, problem=f"model {other} is the canary of model {owners[other]} already", given=other)
        owners.setdefault(other, name)


def _served_names(settings: StackSettings) -> Iterator[Fault]:
    """Engines refuse a request for a name that is not theirs: both versions have the same names."""
    for name, model in settings.models.items():
        other = settings.models.get(model.canary.model) if model.canary is not None else None
        if other is None or model.canary is None or model.canary.model == name:
            continue
        own, theirs = _names(settings, name, model), _names(settings, model.canary.model, other)
        if not own or not theirs or own == theirs:
            continue
        yield Fault(
            path=f"models.{model.canary.model}.{'servedName' if own[0] != theirs[0] else 'loraAdapters'}",
            problem=f"it answers requests for model {name}, and is served by other names",
            given=", ".join(theirs),
            allowed=", ".join(own),
        )


def _names(settings: StackSettings, name: str, model: ModelSettings) -> list[str]:
    return [value for _, value in names_of(settings, name, model)]


RULES = (
    Rule(needs=frozenset({"gateway.provider"}), of_model=frozenset({"canary"}), check=_providers),
    Rule(needs=frozenset({"models"}), check=_targets),
    Rule(
        needs=frozenset({"engine"}),
        of_model=frozenset({"canary", "engine", "loraAdapters", "servedName", "source"}),
        check=_served_names,
    ),
)
