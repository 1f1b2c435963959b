"""From a model's autoscaling to the args of its Autoscaler; pure."""

from components.autoscaler import AutoscalerArgs
from releases import Release
from settings import StackSettings
from settings.autoscaling import AutoscalingProvider

__all__ = ["autoscaler_of"]


def autoscaler_of(settings: StackSettings, release: Release, name: str) -> AutoscalerArgs | None:
    """The autoscaler of a model; `None` where its replicas are stated."""
    given = settings.models[name].autoscaling
    if given is None:
        return None
    # KEDA takes thresholds as plain numbers, Kubernetes as quantities, which have no fractions below a thousandth.
    is_keda = given.provider is AutoscalingProvider.KEDA
    flow_control = release.picker.flow_control
    holds = given.min_replicas == 0 and flow_control is not None
    return AutoscalerArgs(
        namespace=settings.namespace,
        model=name,
        provider=given.provider,
        min_replicas=given.min_replicas,
        max_replicas=given.max_replicas,
        metric=release.picker.pool_metrics[given.metric],
        value=f"{given.value:g}" if is_keda or given.value.is_integer() else f"{round(given.value * 1000)}m",
        server_address=given.server_address,
        held_requests_metric=flow_control.queue_metric if holds and flow_control is not None else None,
    )
