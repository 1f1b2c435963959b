"""Gateway providers by the name that the stack's config uses. A new one is a file and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from components.gateway_providers.base import GatewayProvider, GatewaySpec, ModelRoute
from components.gateway_providers.istio import ISTIO
from components.gateway_providers.standalone import STANDALONE

__all__ = ["GATEWAY_PROVIDERS", "GatewayProvider", "GatewaySpec", "ModelRoute"]

GATEWAY_PROVIDERS: Mapping[str, GatewayProvider] = MappingProxyType(
    {provider.name: provider for provider in (STANDALONE, ISTIO)}
)
