"""The gateway and what it needs."""

from collections.abc import Iterator

from releases import RELEASES
from settings.cluster import CrdsMode
from settings.faults import Fault
from settings.gateway import FailureMode, GatewayProvider, ListenerProtocol
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES"]


def _listener(settings: StackSettings) -> Iterator[Fault]:
    listener = settings.gateway.listener
    if listener.protocol is ListenerProtocol.HTTPS and listener.certificate_secret is None:
        yield Fault(
            path="gateway.listener.certificateSecret",
            problem="is required: an HTTPS listener needs a certificate",
            allowed="the name of an existing TLS Secret in the serving namespace",
        )
    if listener.protocol is ListenerProtocol.HTTP and listener.certificate_secret is not None:
        yield Fault(
            path="gateway.listener.protocol",
            problem="a certificate is given, but the listener speaks HTTP",
            given="HTTP",
            allowed="HTTPS",
        )
        # The port was meant for the other protocol as well.
        return
    own, others = (80, 443) if listener.protocol is ListenerProtocol.HTTP else (443, 80)
    if listener.port == others:
        yield Fault(
            path="gateway.listener.port",
            problem=f"is the other protocol's port, the listener speaks {listener.protocol}",
            given=str(listener.port),
            allowed=f"{own}, or any port but {others}",
        )


def _replicas(settings: StackSettings) -> Iterator[Fault]:
    """Whoever implements the Gateway API runs the proxies of a Gateway, and says how many there are."""
    is_set = "replicas" in settings.gateway.model_fields_set
    if settings.gateway.provider is not GatewayProvider.STANDALONE and is_set:
        provider = settings.gateway.provider
        yield Fault(path="gateway.replicas", problem=f"provider {provider} runs its own proxies; remove the key")


def _proxies(settings: StackSettings) -> Iterator[Fault]:
    """Google's proxies call from a subnet that only its owner knows; other providers' are pods with labels."""
    gateway = settings.gateway
    if gateway.provider is GatewayProvider.GKE and not gateway.proxy_cidrs:
        yield Fault(
            path="gateway.proxyCidrs",
            problem="is required: NetworkPolicies admit nobody else, and Google's proxies are outside of the cluster",
            allowed="the ranges of the region's proxy-only subnet, such as [10.129.0.0/23]",
        )
    if gateway.provider is not GatewayProvider.GKE and gateway.proxy_cidrs:
        problem = f"the proxies of provider {gateway.provider} are pods, admitted by their labels; remove the key"
        yield Fault(path="gateway.proxyCidrs", problem=problem)


def _failure_mode(settings: StackSettings) -> Iterator[Fault]:
    """Only a provider that can choose a pod by itself can do without the picker."""
    if settings.gateway.provider is not GatewayProvider.STANDALONE:
        return
    for name, model in settings.models.items():
        if model.picker.failure_mode is FailureMode.FAIL_OPEN:
            yield Fault(
                path=f"models.{name}.picker.failureMode",
                problem="without the picker nothing chooses a pod, so provider standalone can only answer 503",
                given=FailureMode.FAIL_OPEN,
                allowed="FailClose, or another gateway.provider",
            )


def _pickers(settings: StackSettings) -> Iterator[Fault]:
    """A standby reports that it is not ready (gateway-api-inference-extension 1.2, cmd/epp/runner/health.go)."""
    for name, model in settings.models.items():
        if model.picker.replicas > 1:
            yield Fault(
                path=f"models.{name}.picker.replicas",
                problem="a standby picker is not ready until it leads, so its Deployment would never become available",
                given=str(model.picker.replicas),
                allowed="1",
            )


def _line(settings: StackSettings) -> Iterator[Fault]:
    """A provider that the line's upstream never ran with."""
    provider = settings.gateway.provider
    release = RELEASES.get(settings.release)
    refused = {} if release is None else release.refused_gateways
    if provider in refused:
        allowed = ", ".join(name for name in GatewayProvider if name not in refused)
        problem = f"line {settings.release} cannot be had with it: {refused[provider]}"
        yield Fault(path="gateway.provider", problem=problem, given=provider, allowed=allowed)


def _cloud_crds(settings: StackSettings) -> Iterator[Fault]:
    """GKE installs and upgrades the CRDs of Gateway API, and from 1.34.0-gke.1626000 on those of the pools."""
    if settings.gateway.provider is GatewayProvider.GKE and settings.crds is CrdsMode.INSTALL:
        yield Fault(
            path="crds",
            problem="GKE brings Gateway API's CRDs itself and would set back what this stack installs",
            given=CrdsMode.INSTALL,
            allowed=CrdsMode.EXISTING,
        )


RULES = (
    Rule(needs=frozenset({"gateway.provider", "release"}), check=_line),
    Rule(needs=frozenset({"gateway.provider", "crds"}), check=_cloud_crds),
    Rule(needs=frozenset({"gateway.listener"}), check=_listener),
    Rule(needs=frozenset({"gateway.provider"}), check=_replicas),
    Rule(needs=frozenset({"gateway.provider", "gateway.proxyCidrs"}), check=_proxies),
    Rule(needs=frozenset({"gateway.provider"}), of_model=frozenset({"picker"}), check=_failure_mode),
    Rule(needs=frozenset(), of_model=frozenset({"picker"}), check=_pickers),
)
