"""The program: settings, layers, outputs. `pulumi up` runs this file."""

import sys
from pathlib import Path

import pulumi

from settings import ConfigFaultsError, load_config
from stacks import deploy


def main() -> None:
    """Deploy the stack whose config the engine hands over."""
    root = Path.cwd()
    for name, value in deploy(load_config(root), root).items():
        pulumi.export(name, value)


try:
    main()
except ConfigFaultsError as error:
    # The engine shows what is logged; a traceback would bury it.
    pulumi.log.error(str(error))
    sys.exit(32)
