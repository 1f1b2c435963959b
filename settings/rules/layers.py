"""Which layers a stack may own, given its cluster."""

from collections.abc import Iterator

from settings.cluster import LayerName
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _layers(settings: StackSettings) -> Iterator[Fault]:
    if settings.layers is None:
        return
    given = ", ".join(settings.layers) or "none"
    if len(set(settings.layers)) != len(settings.layers) or not settings.layers:
        allowed = ", ".join(LayerName)
        yield Fault(path="layers", problem="must name one layer or more, each once", given=given, allowed=allowed)
    eks = settings.cluster.eks
    if LayerName.CLUSTER in settings.layers and eks is None:
        yield Fault(
            path="layers",
            problem="cluster is a layer of this stack, but cluster.eks does not say which cluster to make",
            given=given,
            allowed="platform, serving; or cluster.eks",
        )
    if eks is not None and LayerName.CLUSTER not in settings.layers:
        yield Fault(
            path="cluster.eks",
            problem="says which cluster to make, but the layer cluster is not this stack's",
            given=given,
            allowed="cluster.reference for a cluster of another stack, cluster.existing for any other",
        )
    if LayerName.SERVING not in settings.layers and settings.models:
        yield Fault(
            path="models",
            problem="are given, but the layer serving is not this stack's",
            given=", ".join(sorted(settings.models)),
            allowed="remove the key, or add serving to layers",
        )


RULES = (Rule(needs=frozenset({"layers", "cluster"}), check=_layers),)
