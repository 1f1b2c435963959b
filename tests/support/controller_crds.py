"""CRDs of controllers: the projects' own where a Go module has them, else ones that accept anything."""

from pathlib import Path
from typing import Any

import yaml

from lab.modules import module_dirs
from tests.support.clusters import permissive_crd

__all__ = ["controller_crds"]

_ENVOY_KINDS = ("clienttrafficpolicies", "envoyproxies")


def controller_crds() -> list[dict[str, Any]]:
    """Every CRD that an example needs beside those of its release line."""
    folders = module_dirs("crds-gateways")
    istio = folders["istio.io/istio"] / "manifests/charts/base/files/crd-all.gen.yaml"
    envoy = folders["github.com/envoyproxy/gateway"] / "charts/gateway-crds-helm/templates/generated"
    return [
        *yaml.load_all(istio.read_text(), yaml.CSafeLoader),
        *(_template(envoy / f"gateway.envoyproxy.io_{plural}.yaml") for plural in _ENVOY_KINDS),
        permissive_crd("agentgateway.dev", "v1alpha1", "AgentgatewayParameters", "agentgatewayparameters"),
        permissive_crd("agentgateway.dev", "v1alpha1", "AgentgatewayPolicy", "agentgatewaypolicies"),
        permissive_crd("aigateway.envoyproxy.io", "v1alpha1", "AIGatewayRoute", "aigatewayroutes"),
        permissive_crd("networking.gke.io", "v1", "GCPBackendPolicy", "gcpbackendpolicies"),
        permissive_crd("networking.gke.io", "v1", "GCPRoutingExtension", "gcproutingextensions"),
        permissive_crd("networking.gke.io", "v1", "HealthCheckPolicy", "healthcheckpolicies"),
        permissive_crd("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
        permissive_crd("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
        permissive_crd("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
    ]


def _template(path: Path) -> dict[str, Any]:
    """A CRD out of a Helm template that does nothing but ask whether it is wanted."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("{{")]
    crd: dict[str, Any] = yaml.load("\n".join(lines), yaml.CSafeLoader)
    return crd
