"""Whatever the config says, it is refused, or the API server takes every object of it in a server-side dry run.

The Prometheus operator's and KEDA's kinds are taken by CRDs that accept anything: of those objects this shows
no more than that they have a name and a namespace.
"""

import json
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as options

from lab import Lab, Toolchain
from settings import ConfigFaultsError, validate
from stacks import plan_stack
from tests.support.clusters import Kubectl, crds_of
from tests.support.controller_crds import controller_crds
from tests.support.generated import NAMESPACE, PLUGIN_NAMESPACE, configs
from tests.support.manifests import platform_objects, serving_objects

_SECONDS = 60
_AT_LEAST = 3


def test_a_config_is_refused_or_taken_by_the_api_server(tmp_path: Path) -> None:
    """Within a minute of generated configs there is no third outcome, and some of them are taken."""
    lab = Lab(tmp_path / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    outcomes = {"refused": 0, "taken": 0}
    try:
        lab.up([], cpu_nodes=0)
        kubectl = Kubectl(lab)
        kubectl.apply(*controller_crds(), *crds_of("v0.4"))
        kubectl.apply(*crds_of("v0.9"))
        for name in (NAMESPACE, PLUGIN_NAMESPACE):
            kubectl("create", "namespace", name)
        ends = time.monotonic() + _SECONDS

        @options(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
        @given(raw=configs())
        def judge(raw: dict[str, Any]) -> None:
            if time.monotonic() < ends:
                outcomes[_outcome(kubectl, raw)] += 1

        judge()
    finally:
        lab.down()

    assert min(outcomes.values()) >= _AT_LEAST, outcomes


def _outcome(kubectl: Kubectl, raw: dict[str, Any]) -> str:
    """What became of a config; anything but the two is an exception."""
    try:
        plan = plan_stack(validate(raw))
    except ConfigFaultsError:
        return "refused"
    objects = [*platform_objects(plan), *serving_objects(plan)]
    if objects:
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        kubectl("apply", "--server-side", "--dry-run=server", "--filename", "-", text=json.dumps(listed))
    return "taken"
