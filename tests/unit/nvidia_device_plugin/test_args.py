"""What the device plugin's args refuse.

These tests cannot prove that a pool's labels select a node, nor that two pools do not overlap: that takes a cluster.
"""

from typing import Any

import pytest

from components.nvidia_device_plugin import NvidiaDevicePluginArgs, validate_args
from settings.gpu_pools import MigStrategy, Sharing


def _args(**changes: Any) -> NvidiaDevicePluginArgs:  # noqa: ANN401 - any field of the args
    if changes.get("sharing", Sharing.NONE) is not Sharing.NONE:
        changes = {"replicas": 4, **changes}
    values = {"namespace": "gpus", "image": "example.com/plugin:v0.20.0", "pool_selectors": ({"pool": "l4"},)}
    return NvidiaDevicePluginArgs(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"namespace": "default"}, "namespace", "chart refuses"),
        ({"namespace": "kube-system"}, "namespace", "creates and deletes"),
        ({"pool_selectors": ()}, "pool_selectors", "run nowhere"),
        ({"pool_selectors": ({"a": "b"}, {})}, "pool_selectors[1]", "selects no node"),
        ({"replicas": 2}, "replicas", "is 2, but must be 1 with sharing none"),
        ({"replicas": 0}, "replicas", "is 0, but must be 1 with sharing none"),
        ({"sharing": Sharing.TIME_SLICING, "replicas": 1}, "replicas", "is 1, but must be 2 or more"),
        ({"sharing": Sharing.MPS, "replicas": 1}, "replicas", "sharing mps"),
        ({"sharing": Sharing.MPS, "mig_strategy": MigStrategy.SINGLE}, "mig_strategy", "is single"),
        ({"sharing": Sharing.MPS, "mig_strategy": MigStrategy.MIXED}, "mig_strategy", "is mixed"),
        ({"sharing": Sharing.TIME_SLICING, "resources": ()}, "resources", "time-slicing needs a resource"),
        ({"sharing": Sharing.MPS, "resources": ("gpu",)}, "resources[0]", "is gpu"),
    ],
)
def test_each_fault_names_its_property(changes: dict[str, Any], path: str, words: str) -> None:
    """One wrong value is one fault, with its path and what was given or is allowed."""
    faults = validate_args(_args(**changes))

    assert [found for found, _ in faults] == [path]
    assert words in faults[0][1]


def test_faults_are_collected() -> None:
    """Every fault is reported, not the first one."""
    args = _args(
        namespace="default",
        pool_selectors=(),
        sharing=Sharing.MPS,
        replicas=1,
        mig_strategy=MigStrategy.MIXED,
        resources=("gpu",),
    )

    assert [path for path, _ in validate_args(args)] == [
        "namespace",
        "pool_selectors",
        "replicas",
        "mig_strategy",
        "resources[0]",
    ]
