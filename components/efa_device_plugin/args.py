"""What an EfaDevicePlugin needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["EfaDevicePluginArgs"]


@dataclass(frozen=True, kw_only=True)
class EfaDevicePluginArgs:
    """The one advertiser of the EFA interfaces of some pools."""

    namespace: str
    """Namespace to create; privileged pods live in it, so no model's."""
    image: str
    """Image of the plugin, mirror applied."""
    pool_selectors: Sequence[Mapping[str, str]]
    """Node labels of each pool whose advertiser this plugin is: it runs on exactly those nodes."""
    taint_keys: Sequence[str]
    """Taints of the pools' nodes, tolerated whatever their value and effect."""
    creates_namespace: bool = True
    """Whether the namespace is this component's; otherwise it has to exist, with the pull secrets in it."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets, which have to exist in the namespace."""
