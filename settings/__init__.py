"""A stack's config, typed: read strictly, refused with every fault at once, frozen afterwards."""

from settings.faults import ConfigFaultsError, Fault
from settings.load import load_config, load_stack_file, validate
from settings.stack import StackSettings

__all__ = ["ConfigFaultsError", "Fault", "StackSettings", "load_config", "load_stack_file", "validate"]
