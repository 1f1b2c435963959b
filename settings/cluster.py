"""Which cluster a stack deploys to, and what is expected to be there already."""

from enum import StrEnum

from pydantic import Field, model_validator

from settings.base import DnsSubdomain, FrozenMap, ImageReference, Registry, RegistryHost, SettingsModel

__all__ = ["ClusterSettings", "CrdsMode", "ExistingCluster", "ImagesSettings", "Monitoring", "NamespacesMode"]


class ExistingCluster(SettingsModel):
    """A cluster that is there: this program changes what runs on it, never the cluster itself."""

    kubeconfig: str | None = None
    """Kubeconfig file; a relative path is relative to the project. Default: `KUBECONFIG`, else `~/.kube/config`."""
    context: str | None = None
    """Context of that kubeconfig. Default: its current context."""


class ClusterSettings(SettingsModel):
    """The cluster of a stack: `existing` or `manifests`."""

    existing: ExistingCluster | None = None
    """A cluster that this stack did not make."""
    manifests: str | None = None
    """No cluster: write one YAML file per object into this directory, for a GitOps controller. Secrets become
    placeholders."""
    provider_version: str | None = None
    """Version of the Kubernetes provider plugin. Default: the one that the pinned SDK asks for."""

    @model_validator(mode="after")
    def _one(self) -> "ClusterSettings":
        if (self.existing is None) == (self.manifests is None):
            raise ValueError("exactly one of existing, manifests says where to deploy to")
        return self


class CrdsMode(StrEnum):
    """Who brings the Gateway API and InferencePool CRDs."""

    INSTALL = "install"
    """This stack, in the versions of its release line."""
    EXISTING = "existing"
    """The cluster has them (GKE >= 1.34 does, and a platform team may)."""


class NamespacesMode(StrEnum):
    """Who brings the namespaces of the serving layer and of the device plugin."""

    CREATE = "create"
    """This stack; `destroy` deletes them with everything in them."""
    EXISTING = "existing"
    """The cluster has them, with the Secrets and claims that the stack names."""


class Monitoring(StrEnum):
    """Which operator scrapes metrics: a plan never looks a CRD up, so the stack says which one is there."""

    NONE = "none"
    PROMETHEUS_OPERATOR = "prometheus-operator"


class ImagesSettings(SettingsModel):
    """Where images are pulled from."""

    registry: Registry | None = None
    """A mirror for every image: it replaces the registry's host and keeps the rest of the path."""
    mirrors: FrozenMap[RegistryHost, Registry] = Field(default_factory=dict, validate_default=True)
    """A mirror per registry host, such as `ghcr.io: <account>.dkr.ecr.../ghcr` for pull-through caches; wins over
    `registry`."""
    pull_secrets: tuple[DnsSubdomain, ...] = Field(default=(), strict=False)
    """Names of existing pull secrets, for every pod of every component; they have to exist in `namespace` and in
    `devicePlugin.namespace`."""
    device_plugin: ImageReference | None = None
    """NVIDIA device plugin image. Default: the release line's."""
