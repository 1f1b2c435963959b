"""EndpointPicker: the scheduler of one model, and the InferencePool whose pods it picks from.

It owns the picker's Deployment, Service, configuration, rights and budget, the InferencePool, because pool and picker
name each other, and the pool's InferenceObjectives. It does not own the route to the pool (`HttpRoute`, or the
standalone gateway) nor the model's pods.

    EndpointPicker("qwen", EndpointPickerArgs(...), ResourceOptions(providers=[provider]))
"""

import pulumi

from components.endpoint_picker.args import EndpointPickerArgs, PrecisePrefix
from components.endpoint_picker.config import CONFIG_FILE
from components.endpoint_picker.objects import EXT_PROC_PORT, HEALTH_PORT, METRICS_PORT, build, picker_selector
from components.objects import create_all, name_of
from naming import ModelNames

__all__ = [
    "CONFIG_FILE",
    "EXT_PROC_PORT",
    "HEALTH_PORT",
    "METRICS_PORT",
    "EndpointPicker",
    "EndpointPickerArgs",
    "PrecisePrefix",
    "build",
    "picker_selector",
]


class EndpointPicker(pulumi.ComponentResource):
    """The picker and the pool of one model."""

    pool_name: pulumi.Output[str]
    """Name of the InferencePool."""

    def __init__(self, name: str, args: EndpointPickerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:EndpointPicker", name, summarize(args), opts)
        children = create_all(name, build(args), self)
        self.pool_name = name_of(children["pool"])
        self.register_outputs({"pool_name": self.pool_name})


def summarize(args: EndpointPickerArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "model": args.model,
        "image": args.image,
        "pool": ModelNames(model=args.model).pool,
        "queuedRequestsMetric": args.metrics.queued_requests,
        "kvCacheUsageMetric": args.metrics.kv_cache_usage,
        "metricsPath": args.metrics.path,
        "replicas": args.replicas,
        "failureMode": args.failure_mode,
        **({"objectives": dict(args.objectives)} if args.objectives else {}),
        "namespace": args.namespace,
    }
