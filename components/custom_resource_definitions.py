"""CustomResourceDefinitions: the CRDs that a release line's objects need.

It owns the CRDs of the line's bundles. It does not fetch them (`make crds` does) and it does not own them on clusters
where `crds: existing` says that somebody else does.

    CustomResourceDefinitions("crds", CustomResourceDefinitionsArgs(release=...), ResourceOptions(providers=[...]))
"""

from dataclasses import dataclass
from typing import Any

import pulumi

from components.objects import create_all
from releases import Release
from releases.crd_store import read_crd

__all__ = ["CustomResourceDefinitions", "CustomResourceDefinitionsArgs", "build"]


@dataclass(frozen=True, kw_only=True)
class CustomResourceDefinitionsArgs:
    """The CRDs of a release line."""

    release: Release
    """The line."""


class CustomResourceDefinitions(pulumi.ComponentResource):
    """The CRDs of a release line, established."""

    names: pulumi.Output[list[str]]
    """Names of the CRDs."""

    def __init__(
        self, name: str, args: CustomResourceDefinitionsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        bundles = {bundle.name: bundle.version for bundle in args.release.crd_bundles}
        super().__init__("llmd:index:CustomResourceDefinitions", name, {"bundles": bundles}, opts)
        create_all(name, build(args), self)
        self.names = pulumi.Output.from_input(sorted(build(args)))
        self.register_outputs({"names": self.names})


def build(args: CustomResourceDefinitionsArgs) -> dict[str, dict[str, Any]]:
    """Every CRD, by its name."""
    crds = (read_crd(file) for bundle in args.release.crd_bundles for file in bundle.files)
    return {str(crd["metadata"]["name"]): _prepare(crd) for crd in crds}


def _prepare(crd: dict[str, Any]) -> dict[str, Any]:
    """The CRD as it is to be applied: waited for until it is established, for its objects follow in the same run.

    Generators leave an empty `status` in some of the files; a client does not own that.
    """
    metadata = crd["metadata"]
    annotations = {**metadata.get("annotations", {}), "pulumi.com/waitFor": "condition=Established"}
    metadata = {key: value for key, value in metadata.items() if key != "creationTimestamp"}
    rest = {key: value for key, value in crd.items() if key != "status"}
    return {**rest, "metadata": {**metadata, "annotations": annotations}}
