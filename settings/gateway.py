"""The inference gateway of a stack."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.base import DnsSubdomain, SettingsModel
from settings.networks import ipv4_network

__all__ = ["Exposure", "FailureMode", "GatewayProvider", "GatewaySettings", "ListenerProtocol", "ListenerSettings"]


def _proxy_cidr(value: str) -> str:
    if ipv4_network(value).prefixlen == 0:
        raise ValueError("admits everyone; name the networks that the proxies call from")
    return value


class GatewayProvider(StrEnum):
    """What runs as the gateway."""

    STANDALONE = "standalone"
    """Envoy in front of the pickers, deployed by this stack; no gateway controller is needed."""
    ISTIO = "istio"
    """Istio's Gateway API controller, already on the cluster."""
    AGENTGATEWAY = "agentgateway"
    """The agentgateway controller, already on the cluster with `inferenceExtension.enabled`."""
    GKE = "gke"
    """GKE's own controller and Google's load balancers."""
    ENVOY_AI_GATEWAY = "envoy-ai-gateway"
    """Envoy Gateway with the Envoy AI Gateway's controller, already on the cluster."""


class Exposure(StrEnum):
    """Where the gateway can be reached from."""

    CLUSTER = "cluster"
    """Inside the cluster: a ClusterIP Service."""
    LOAD_BALANCER = "load-balancer"
    """Through a load balancer of the cloud, public on most of them: nothing here asks a client who it is."""


class FailureMode(StrEnum):
    """What the gateway does with requests when the picker is away (the InferencePool's own words)."""

    FAIL_OPEN = "FailOpen"
    FAIL_CLOSE = "FailClose"


class ListenerProtocol(StrEnum):
    """Protocol of the listener that clients speak to."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


class ListenerSettings(SettingsModel):
    """The gateway's listener."""

    port: int = Field(default=80, ge=1, le=65535)
    """Port that clients speak to."""
    protocol: ListenerProtocol = Field(default=ListenerProtocol.HTTP, strict=False)
    certificate_secret: DnsSubdomain | None = None
    """Name of an existing TLS Secret in the serving namespace; HTTPS needs one."""


class GatewaySettings(SettingsModel):
    """The gateway: one per stack, in front of all its models."""

    provider: GatewayProvider = Field(default=GatewayProvider.STANDALONE, strict=False)
    exposure: Exposure = Field(default=Exposure.CLUSTER, strict=False)
    listener: ListenerSettings = Field(default_factory=ListenerSettings)
    replicas: int = Field(default=2, ge=1)
    """Envoy pods of the standalone provider."""
    proxy_cidrs: tuple[Annotated[str, AfterValidator(_proxy_cidr)], ...] = Field(default=(), strict=False)
    """Networks that proxies outside of the cluster call from, for provider gke: the region's proxy-only subnet."""
