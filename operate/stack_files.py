"""Stacks of the checkout and the lab that belongs to them."""

from pathlib import Path

from lab.errors import LabError
from lab.paths import lab_home
from lab.stack import stack_file
from operate.errors import OperateError
from operate.workspace import ROOT
from settings import ConfigFaultsError, StackSettings, load_stack_file
from settings.kubeconfig import kubeconfig_path

__all__ = ["is_lab_stack", "load_stack", "stack_path"]


def stack_path(stack: str) -> Path:
    """Config file of a stack of the checkout or, by its path, of any other place.

    Raises:
        OperateError: if there is none.
    """
    try:
        return stack_file(stack).resolve()
    except LabError as error:
        raise OperateError(str(error)) from error


def load_stack(path: Path) -> StackSettings:
    """Settings of a stack's config file.

    Raises:
        OperateError: with every fault.
    """
    try:
        return load_stack_file(path)
    except ConfigFaultsError as error:
        raise OperateError(str(error)) from error


def is_lab_stack(settings: StackSettings) -> bool:
    """Whether the stack's cluster is this checkout's lab: its kubeconfig is the one that the lab writes."""
    existing = settings.cluster.existing
    if existing is None or existing.kubeconfig is None:
        return False
    return kubeconfig_path(existing, ROOT).resolve() == (lab_home() / "kubeconfig").resolve()
