"""Gateway providers by the name that the stack's config uses. A new one is a file and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from components.gateway_providers.agentgateway import AGENTGATEWAY
from components.gateway_providers.base import BodyRouter, GatewayProvider, GatewaySpec, ModelRoute, Share
from components.gateway_providers.envoy_ai_gateway import ENVOY_AI_GATEWAY
from components.gateway_providers.gke import GKE
from components.gateway_providers.istio import ISTIO
from components.gateway_providers.standalone import STANDALONE

__all__ = ["GATEWAY_PROVIDERS", "BodyRouter", "GatewayProvider", "GatewaySpec", "ModelRoute", "Share"]

GATEWAY_PROVIDERS: Mapping[str, GatewayProvider] = MappingProxyType(
    {provider.name: provider for provider in (STANDALONE, ISTIO, AGENTGATEWAY, GKE, ENVOY_AI_GATEWAY)}
)
