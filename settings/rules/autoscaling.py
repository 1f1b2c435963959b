"""Autoscalers: that somebody scales, measures and holds what comes meanwhile, and that nobody else owns `replicas`."""

from collections.abc import Iterator

from releases import RELEASES
from settings.autoscaling import AutoscalingMetric, AutoscalingProvider, AutoscalingSettings
from settings.cluster import Monitoring
from settings.controllers import Controller
from settings.faults import Fault
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _owners(settings: StackSettings) -> Iterator[Fault]:
    """One owner of `replicas`, and roles that scale together or not at all."""
    for name, autoscaling in _autoscaled(settings):
        model = settings.models[name]
        if "replicas" in model.model_fields_set:
            yield Fault(
                path=f"models.{name}.replicas",
                problem="is the autoscaler's, which would be set back by every `up`",
                given=str(model.replicas),
                allowed="remove the key; autoscaling.minReplicas is the least",
            )
        if model.prefill is not None:
            yield Fault(
                path=f"models.{name}.autoscaling",
                problem="is not there yet for a model whose prefill has servers of its own",
                allowed="replicas of each role by hand",
            )
        if model.parallelism.nodes > 1:
            yield Fault(
                path=f"models.{name}.autoscaling",
                problem="is not there yet for a model that is spread over several nodes",
                allowed="replicas by hand",
            )
        if autoscaling.metric is AutoscalingMetric.KV_CACHE_UTILIZATION and autoscaling.value >= 1:
            yield Fault(
                path=f"models.{name}.autoscaling.value",
                problem="would never be exceeded: the metric is a share",
                given=f"{autoscaling.value:g}",
                allowed="less than 1, such as 0.8",
            )


def _controllers(settings: StackSettings) -> Iterator[Fault]:
    """Nobody would scale without the controller, nor without metrics that somebody scrapes."""
    needs = {
        AutoscalingProvider.KEDA: ("keda", settings.controllers.keda),
        AutoscalingProvider.HPA: ("prometheusAdapter", settings.controllers.prometheus_adapter),
    }
    for name, autoscaling in _autoscaled(settings):
        key, controller = needs[autoscaling.provider]
        if controller is Controller.NONE:
            yield Fault(
                path=f"controllers.{key}",
                problem=f"models.{name}.autoscaling takes it",
                given=Controller.NONE,
                allowed=f"{Controller.EXISTING}, where the cluster has it; or the other provider, or replicas by hand",
            )
        if settings.monitoring is not Monitoring.PROMETHEUS_OPERATOR:
            yield Fault(
                path="monitoring",
                problem=f"models.{name}.autoscaling reads the picker's metrics, which nobody scrapes",
                given=settings.monitoring,
                allowed=Monitoring.PROMETHEUS_OPERATOR,
            )
        is_keda = autoscaling.provider is AutoscalingProvider.KEDA
        if is_keda and autoscaling.server_address is None:
            yield Fault(
                path=f"models.{name}.autoscaling.serverAddress",
                problem="is required: KEDA asks Prometheus itself",
                allowed="the URL of Prometheus, such as http://prometheus-operated.monitoring.svc:9090",
            )
        if not is_keda and autoscaling.server_address is not None:
            yield Fault(
                path=f"models.{name}.autoscaling.serverAddress",
                problem="has no meaning with provider hpa, which asks the adapter",
                given=autoscaling.server_address,
                allowed="remove the key",
            )


def _zero(settings: StackSettings) -> Iterator[Fault]:
    """Something holds the requests while there is no server, and something scales from none."""
    release = RELEASES.get(settings.release)
    for name, autoscaling in _autoscaled(settings):
        if autoscaling.min_replicas > 0:
            continue
        path = f"models.{name}.autoscaling.minReplicas"
        if autoscaling.provider is AutoscalingProvider.HPA:
            problem = "an HorizontalPodAutoscaler does not scale to zero but by an alpha feature gate"
            yield Fault(path=path, problem=problem, given="0", allowed="1 or more, or provider keda")
        elif release is not None and release.picker.flow_control is None:
            able = ", ".join(line for line, it in RELEASES.items() if it.picker.flow_control is not None)
            problem = f"the picker of line {release.name} does not hold requests while there is no server"
            yield Fault(path=path, problem=problem, given="0", allowed=f"1 or more, or release {able}")


def _autoscaled(settings: StackSettings) -> Iterator[tuple[str, AutoscalingSettings]]:
    return ((name, model.autoscaling) for name, model in settings.models.items() if model.autoscaling is not None)


RULES = (
    Rule(needs=frozenset(), of_model=frozenset({"autoscaling", "replicas", "prefill", "parallelism"}), check=_owners),
    Rule(needs=frozenset({"controllers", "monitoring"}), of_model=frozenset({"autoscaling"}), check=_controllers),
    Rule(needs=frozenset({"release"}), of_model=frozenset({"autoscaling"}), check=_zero),
)
