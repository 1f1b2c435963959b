"""Which cluster a stack deploys to, and what is expected to be there already."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from settings.base import Digest, DnsSubdomain, FrozenMap, ImageReference, Registry, RegistryHost, SettingsModel
from settings.eks import EksSettings

__all__ = [
    "ClusterReference",
    "ClusterSettings",
    "CrdsMode",
    "ExistingCluster",
    "ImagesSettings",
    "LayerName",
    "Monitoring",
    "NamespacesMode",
]


_STACK_NAME = re.compile(r"[\w.-]+/[\w.-]+/[\w.-]+", re.ASCII)


class ExistingCluster(SettingsModel):
    """A cluster that is there: this program changes what runs on it, never the cluster itself."""

    kubeconfig: str | None = None
    """Kubeconfig file; a relative path is relative to the project. Default: `KUBECONFIG`, else `~/.kube/config`."""
    context: str | None = None
    """Context of that kubeconfig. Default: its current context."""


class LayerName(StrEnum):
    """The layers that a stack may own."""

    CLUSTER = "cluster"
    """Network, EKS cluster and GPU node pools."""
    PLATFORM = "platform"
    """CRDs and device plugins: what a cluster needs once."""
    SERVING = "serving"
    """The gateway and the models."""


def _stack_name(value: str) -> str:
    if not _STACK_NAME.fullmatch(value):
        raise ValueError(
            "must be <organization>/<project>/<stack>; on a backend without organizations the first is `organization`"
        )
    return value


class ClusterReference(SettingsModel):
    """A cluster that another stack of this program made."""

    stack: Annotated[str, AfterValidator(_stack_name)]
    """`<organization>/<project>/<stack>`: the stack that owns the cluster layer. On a backend of your own (S3, files)
    it is `organization/llm-d/<stack>`."""


class ClusterSettings(SettingsModel):
    """The cluster of a stack: `existing`, `eks`, `reference` or `manifests`."""

    existing: ExistingCluster | None = None
    """A cluster that this stack did not make."""
    eks: EksSettings | None = None
    """A cluster on EKS, with GPU node pools that this stack makes."""
    reference: ClusterReference | None = None
    """A cluster that another stack made, by that stack's outputs."""
    manifests: str | None = None
    """No cluster: write one YAML file per object into this directory, for a GitOps controller. Secrets become
    placeholders."""
    provider_version: str | None = None
    """Version of the Kubernetes provider plugin. Default: the one that the pinned SDK asks for."""

    @model_validator(mode="after")
    def _one(self) -> "ClusterSettings":
        ways = (self.existing, self.eks, self.reference, self.manifests)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("exactly one of existing, eks, reference, manifests says where to deploy to")
        return self

    @property
    def there(self) -> ExistingCluster | None:
        """The cluster that a kubeconfig of the config reaches, on EKS or elsewhere; `None` where there is no such."""
        if self.existing is not None or self.eks is None or self.eks.existing is None:
            return self.existing
        return ExistingCluster(kubeconfig=self.eks.existing.kubeconfig, context=self.eks.existing.context)


class CrdsMode(StrEnum):
    """Who brings the Gateway API and InferencePool CRDs."""

    INSTALL = "install"
    """This stack, in the versions of its release line."""
    EXISTING = "existing"
    """The cluster has them (GKE >= 1.34 does, and a platform team may)."""


class NamespacesMode(StrEnum):
    """Who brings the namespaces of the serving layer and of the device plugins."""

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
    digests: FrozenMap[ImageReference, Digest] = Field(default_factory=dict, validate_default=True)
    """Digest of an image, by the reference that the release line or this config has for it: a tag can be pushed again,
    a digest cannot. Production's policy config asks for one of every image."""
    pull_secrets: tuple[DnsSubdomain, ...] = Field(default=(), strict=False)
    """Names of existing pull secrets, for every pod of every component; they have to exist in `namespace`, in
    `devicePlugin.namespace` and in `efaDevicePlugin.namespace`."""
    device_plugin: ImageReference | None = None
    """NVIDIA device plugin image. Default: the release line's."""
    efa_device_plugin: ImageReference | None = None
    """EFA device plugin image. Default: the release line's, in us-west-2: EKS has the same in every region's own
    registry, and nodes without a way out reach no other."""
