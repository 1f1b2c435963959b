"""Kinds that a stack uses or a picker watches, and that nobody else brings into the namespace's cluster."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import yaml

from lab.modules import module_dir
from operate.smoke.processes import wait_until
from operate.smoke.translation import built_picker, need_of
from operate.verify.cluster import Cluster
from releases.crd_store import read_crd
from settings import StackSettings
from settings.cluster import CrdsMode, Monitoring, NamespacesMode
from stacks.plan import StackPlan

__all__ = ["install", "make_namespaces", "permissive_crd", "stand_ins"]

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ESTABLISHED_SECONDS = 10.0
_GAIE = "sigs.k8s.io/gateway-api-inference-extension"


def permissive_crd(group: str, version: str, kind: str, plural: str, scope: str = "Namespaced") -> dict[str, Any]:
    """A CRD that takes any spec, for a kind whose own CRD is in no module that the lab builds."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def stand_ins(settings: StackSettings, plan: StackPlan) -> list[dict[str, Any]]:
    """What has to be there before the stack is brought up."""
    found = []
    if settings.crds is CrdsMode.EXISTING:
        found += [read_crd(file) for bundle in plan.release.crd_bundles for file in bundle.files]
    if settings.monitoring is Monitoring.PROMETHEUS_OPERATOR:
        group = "monitoring.coreos.com"
        found += [permissive_crd(group, "v1", kind, f"{kind.lower()}s") for kind in ("PodMonitor", "ServiceMonitor")]
    pickers = [built_picker(model.picker.image, need_of(model.picker)) for model in plan.models.values()]
    # Pickers of one line that are built differently watch the same kinds.
    files = {file: built.tool for built in pickers for file in built.crds}
    found += [yaml.safe_load((module_dir(tool, _GAIE) / file).read_text()) for file, tool in sorted(files.items())]
    return found


def make_namespaces(cluster: Cluster, settings: StackSettings) -> None:
    """The namespaces that the stack expects to be there."""
    if settings.namespaces is not NamespacesMode.EXISTING:
        return
    for name in (
        settings.namespace,
        settings.device_plugin.namespace,
        settings.efa_device_plugin.namespace,
    ):
        cluster.send(
            "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )


def install(cluster: Cluster, crds: Iterable[Mapping[str, Any]]) -> None:
    """Put CRDs on the cluster and wait until they are established."""
    for crd in crds:
        cluster.send("POST", _CRDS, crd)
        name = crd["metadata"]["name"]
        established = partial(_is_established, cluster, name)
        wait_until(established, _ESTABLISHED_SECONDS, partial("CRD {} is never established".format, name))


def _is_established(cluster: Cluster, name: str) -> bool:
    conditions = (cluster.get(f"{_CRDS}/{name}") or {}).get("status", {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)
