"""Layers: components that compose components. The only code that knows order and builds providers.

The cluster layer (EKS) stands below the platform layer, the serving layer on top; a stack may own any of them.
"""

from stacks.cluster_layer import ClusterLayer, ClusterLayerArgs
from stacks.cluster_plan import ClusterPlan, plan_cluster
from stacks.deployment import deploy
from stacks.outputs import stack_outputs
from stacks.plan import StackPlan, plan_stack
from stacks.platform_layer import PlatformLayer, PlatformLayerArgs
from stacks.provider import build_provider
from stacks.serving_layer import ServingLayer, ServingLayerArgs

__all__ = [
    "ClusterLayer",
    "ClusterLayerArgs",
    "ClusterPlan",
    "PlatformLayer",
    "PlatformLayerArgs",
    "ServingLayer",
    "ServingLayerArgs",
    "StackPlan",
    "build_provider",
    "deploy",
    "plan_cluster",
    "plan_stack",
    "stack_outputs",
]
