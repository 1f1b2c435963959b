"""docs/teams.md: the rights in Kubernetes are named for every kind that a shipped stack renders to.

What these tests cannot prove: that the rights suffice; that takes a cluster with a user who has no others. CRDs are in
no golden.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from operate.workspace import ROOT

GOLDENS = sorted((ROOT / "tests" / "golden").glob("*.yaml"))
TEXT = (ROOT / "docs" / "teams.md").read_text()
PLATFORM, SERVING = re.findall(
    r"^\*\*Kubernetes, `(?:platform|serving)`\*\*:.*?(?=^\*\*|^## )", TEXT, re.DOTALL | re.MULTILINE
)
DEVICE_PLUGINS = frozenset({"efa-device-plugin", "nvidia-device-plugin"})


def _rendered() -> Iterator[dict[str, Any]]:
    for golden in GOLDENS:
        yield from yaml.load_all(golden.read_text(), Loader=yaml.CSafeLoader)


def _group(item: dict[str, Any]) -> str:
    return str(item["apiVersion"]).rpartition("/")[0]


def _namespace(item: dict[str, Any]) -> str | None:
    namespace: str | None = item["metadata"].get("namespace")
    return namespace


def _rows() -> set[tuple[str, str]]:
    """Group and kind, as the table of the serving layer has them."""
    rows = re.findall(r"^\| `([^`]+)` \| ([A-Z][\w, ]+) \|", SERVING, re.MULTILINE)
    return {(group.strip('"'), kind) for group, kinds in rows for kind in kinds.split(", ")}


def test_the_serving_teams_groups_and_kinds_are_those_of_the_goldens() -> None:
    """The table has every kind that any stack puts into the serving namespace, under its group, and no other."""
    rendered = {(_group(item), item["kind"]) for item in _rendered() if _namespace(item) not in {None, *DEVICE_PLUGINS}}

    assert len(rendered) == 30
    assert _rows() == rendered


def test_kinds_of_the_whole_cluster_are_named() -> None:
    """Cluster-scoped kinds and the device plugins' are in the platform's list, the picker's own in serving's."""
    rendered = [(item["kind"], item["metadata"]["name"]) for item in _rendered() if _namespace(item) is None]
    own = {kind for kind, name in rendered if name.endswith("-epp")}
    in_plugins = {item["kind"] for item in _rendered() if _namespace(item) in DEVICE_PLUGINS}

    assert own == {"ClusterRole", "ClusterRoleBinding"}
    assert {kind for kind in own if not re.search(rf"\ba {kind}\b", SERVING)} == set()
    assert {kind for kind, _ in rendered} == {"ClusterRole", "ClusterRoleBinding", "Namespace", "RuntimeClass"}
    assert in_plugins == {"ConfigMap", "DaemonSet", "ServiceAccount"}
    named = {kind for kind in {kind for kind, _ in rendered} | in_plugins if re.search(rf"\b{kind}\b", PLATFORM)}
    assert named == {kind for kind, _ in rendered} | in_plugins
