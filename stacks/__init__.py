"""Layers: components that compose components. The only code that knows order and builds providers.

A cluster layer (EKS) will stand below the platform layer and hand out kubeconfig and identifier.
"""

from stacks.outputs import stack_outputs
from stacks.plan import StackPlan, plan_stack
from stacks.platform_layer import PlatformLayer, PlatformLayerArgs
from stacks.provider import build_provider
from stacks.serving_layer import ServingLayer, ServingLayerArgs

__all__ = [
    "PlatformLayer",
    "PlatformLayerArgs",
    "ServingLayer",
    "ServingLayerArgs",
    "StackPlan",
    "build_provider",
    "plan_stack",
    "stack_outputs",
]
