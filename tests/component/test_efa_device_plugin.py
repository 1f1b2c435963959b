"""EfaDevicePlugin as Pulumi sees it: children, parents and order.

Mocks stand in for the engine. They cannot prove that an API server accepts the objects; the tests on the lab do.
"""

import inspect
from collections.abc import Iterator

import pulumi
import pytest

from components.efa_device_plugin import EfaDevicePlugin, EfaDevicePluginArgs
from tests.support.pulumi_mocks import Recorder, mocked, run_in_layer

COMPONENT = "llmd:index:EfaDevicePlugin"
CHILDREN = {("kubernetes:core/v1:Namespace", "efa-namespace"), ("kubernetes:apps/v1:DaemonSet", "efa")}
ARGS = EfaDevicePluginArgs(
    namespace="efa", image="example.com/efa:v0.5.20", pool_selectors=({"pool": "h100"},), taint_keys=("gpu",)
)


@pytest.fixture
def monitor() -> Iterator[Recorder]:
    """Mocks of this test alone."""
    with mocked() as recorder:
        yield recorder


def _deploy() -> list[str]:
    names: list[str] = []

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[None]:
        return EfaDevicePlugin("efa", ARGS, opts).daemon_set_name.apply(names.append)

    run_in_layer(program)
    return names


def test_the_daemon_set_comes_after_its_namespace(monitor: Recorder) -> None:
    """Two children, of the component alone, in this order; the output is the name in the cluster."""
    assert _deploy() == ["aws-efa-k8s-device-plugin"]

    component = monitor.urn(COMPONENT, "efa")
    namespace = monitor.urn("kubernetes:core/v1:Namespace", "efa-namespace")
    assert {(request.type, request.name) for request in monitor.objects()} == CHILDREN
    assert {request.parent for request in monitor.objects()} == {component}
    assert list(monitor.request("kubernetes:apps/v1:DaemonSet", "efa").dependencies) == [namespace]


def test_it_carries_its_plan_and_registers_its_output(monitor: Recorder) -> None:
    """The component's own inputs are the plan as plain data, its outputs those that the class declares."""
    _deploy()

    component = monitor.urn(COMPONENT, "efa")
    assert monitor.resources[component].state == {
        "namespace": "efa",
        "image": "example.com/efa:v0.5.20",
        "pools": [{"pool": "h100"}],
        "taintKeys": ["gpu"],
    }
    assert monitor.outputs[component] == ["daemon_set_name"]
    assert set(inspect.get_annotations(EfaDevicePlugin)) == {"daemon_set_name"}
