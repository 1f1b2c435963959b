"""Which stacks the site can run, decided before anything is started; pure."""

from settings import StackSettings
from settings.gateway import GatewayProvider, ListenerProtocol
from settings.source import claims
from stacks.plan import StackPlan

__all__ = ["obstacles"]


def obstacles(settings: StackSettings, plan: StackPlan) -> list[str]:
    """What of a stack nothing here can run or bring, each with the reason; empty for a stack that can be run."""
    found = []
    if settings.cluster.eks is not None:
        found.append("cluster.eks: the nodes are a lab's; name `cluster.existing` in a copy of the config")
    if settings.gateway.provider is not GatewayProvider.STANDALONE:
        found.append(
            f"gateway.provider {settings.gateway.provider}: its proxy is an image's, not the Envoy of the wheel"
        )
    if settings.gateway.listener.protocol is ListenerProtocol.HTTPS:
        found.append("gateway.listener.protocol HTTPS: the certificate is a Secret that the stack does not make")
    for name, model in sorted(settings.models.items()):
        if model.autoscaling is not None:
            found.append(f"models.{name}.autoscaling: nothing here scales")
        if plan.models[name].picker.cpu_tier_blocks is not None:
            found.append(f"models.{name}.tieredPrefixCache: no picker that can be built here tells two tiers apart")
        if any(role.pods_per_replica > 1 for role in plan.models[name].service.roles):
            found.append(f"models.{name}: its groups of pods need LeaderWorkerSet's controller, which is not started")
        found += [f"models.{name}: claim {claim} is on no lab" for claim in sorted(claims(model))]
    return found
