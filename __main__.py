"""The program: settings, layers, outputs. `pulumi up` runs this file."""

import sys
from pathlib import Path

import pulumi

from settings import ConfigFaultsError, load_config
from stacks import (
    PlatformLayer,
    PlatformLayerArgs,
    ServingLayer,
    ServingLayerArgs,
    build_provider,
    plan_stack,
    stack_outputs,
)
from stacks.token import hugging_face_token


def main() -> None:
    """Deploy the stack whose config the engine hands over."""
    root = Path.cwd()
    settings = load_config(root)
    plan = plan_stack(settings)
    provider = build_provider(settings.cluster, root)
    platform = PlatformLayer("platform", PlatformLayerArgs.of(plan), pulumi.ResourceOptions(providers=[provider]))
    serving = ServingLayer(
        "serving",
        ServingLayerArgs.of(plan, hugging_face_token(settings)),
        pulumi.ResourceOptions(providers=[provider], depends_on=[platform]),
    )
    for name, value in stack_outputs(settings, plan, serving, root).items():
        pulumi.export(name, value)


try:
    main()
except ConfigFaultsError as error:
    # The engine shows what is logged; a traceback would bury it.
    pulumi.log.error(str(error))
    sys.exit(32)
