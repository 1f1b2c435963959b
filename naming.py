"""Names and labels that more than one module must predict.

Two things that must agree come from one function here: pool and route, selector and pod labels, Service and the
host in Envoy's config.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "BODY_ROUTER",
    "DECODE_ROLE",
    "GATEWAY",
    "MODEL_CATALOGUE",
    "MODEL_LABEL",
    "PREFILL_ROLE",
    "ROLE_LABEL",
    "TOKEN_SECRET",
    "ModelNames",
    "common_labels",
    "model_selector",
    "service_host",
]

GATEWAY = "inference-gateway"
"""Name of the gateway's objects: one gateway per stack and namespace."""

TOKEN_SECRET = "hugging-face-token"  # noqa: S105 - the name of a Secret
"""Secret that a stack makes from `huggingFace.token`."""

BODY_ROUTER = "body-based-router"
"""Name of what reads request bodies for gateways that cannot (the chart's own name)."""

MODEL_CATALOGUE = "model-catalogue"
"""Name of what lists the models for gateways that cannot."""

MODEL_LABEL = "llm-d.ai/model"
"""Label that carries the model's name. Upstream's guides share one value among all models of a namespace, so that
two of them select each other's pods (llm-d#545); here the value is unique per model."""

ROLE_LABEL = "llm-d.ai/role"
"""Label that carries the pod's role."""

DECODE_ROLE = "decode"
"""Role of a pod that answers requests; an aggregated model has no other."""

PREFILL_ROLE = "prefill"
"""Role of a pod that computes the KV cache of a prompt for a decode pod, which fetches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNames:
    """Names of the objects of one model."""

    model: str

    @property
    def pool(self) -> str:
        """InferencePool and HTTPRoute."""
        return self.model

    @property
    def picker(self) -> str:
        """Deployment, Service, ConfigMap, ServiceAccount, Role of the endpoint picker (the charts' own suffix)."""
        return f"{self.model}-epp"

    @property
    def server(self) -> str:
        """Deployment of the model servers that answer requests."""
        return self.server_of(DECODE_ROLE)

    def server_of(self, role: str) -> str:
        """Deployment of the model servers of a role."""
        return f"{self.model}-{role}"

    @property
    def service_account(self) -> str:
        """ServiceAccount of the model servers."""
        return self.model

    @property
    def prefetch(self) -> str:
        """ConfigMap and ServiceAccount of the Job that fills the model's cache; the Job's name adds a digest."""
        return f"{self.model}-prefetch"

    @property
    def weights(self) -> str:
        """The claim of the model's cache; its name adds a digest."""
        return f"{self.model}-weights"

    @property
    def render(self) -> str:
        """Deployment, Service and ServiceAccount of what tokenizes prompts for the picker (the guide's own suffix)."""
        return f"{self.model}-render"

    def claimed(self) -> frozenset[str]:
        """Every name that the model's objects take in the namespace."""
        roles = {self.server, self.server_of(PREFILL_ROLE)}
        return frozenset({self.model, self.picker, self.prefetch, self.render, *roles})


def common_labels(*, component: str, instance: str) -> Mapping[str, str]:
    """Kubernetes' recommended labels.

    No version among them: it would roll pods whose spec has not changed.
    """
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/part-of": "llm-d",
        "app.kubernetes.io/managed-by": "pulumi",
    }


def model_selector(model: str, role: str = DECODE_ROLE) -> Mapping[str, str]:
    """Selector of a model's Deployment.

    No engine in it and no key that release lines rename: a switch of either is a rollout of the same object.
    """
    return {MODEL_LABEL: model, ROLE_LABEL: role}


def service_host(name: str, namespace: str) -> str:
    """Cluster-internal DNS name of a Service."""
    return f"{name}.{namespace}.svc.cluster.local"
