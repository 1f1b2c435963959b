"""NvidiaDevicePlugin as Pulumi sees it: children, parents, provider, order and refusals.

Mocks stand in for the engine. They cannot prove that an API server accepts the objects nor that DaemonSets become
available; the tests on the lab do.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from components.nvidia_device_plugin import NvidiaDevicePlugin, NvidiaDevicePluginArgs
from settings.gpu_pools import MigStrategy, Sharing
from tests.support.pulumi_mocks import Recorder, mocked, run_in_layer

COMPONENT = "llmd:index:NvidiaDevicePlugin"
PLUGIN_CHILDREN = {
    ("kubernetes:core/v1:Namespace", "gpus-namespace"),
    ("kubernetes:core/v1:ServiceAccount", "gpus-account"),
    ("kubernetes:core/v1:ConfigMap", "gpus-config"),
    ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "gpus-role"),
    ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "gpus-binding"),
    ("kubernetes:apps/v1:DaemonSet", "gpus"),
}
OPTIONAL_CHILDREN = {
    ("kubernetes:apps/v1:DaemonSet", "gpus-mps"),
    ("kubernetes:node.k8s.io/v1:RuntimeClass", "gpus-runtime-class"),
}


@pytest.fixture
def monitor() -> Iterator[Recorder]:
    """Mocks of this test alone."""
    with mocked() as recorder:
        yield recorder


def _args(**changes: Any) -> NvidiaDevicePluginArgs:  # noqa: ANN401 - any field of the args
    values = {"namespace": "nvidia", "image": "example.com/plugin:v0.20.0", "pool_selectors": ({"pool": "l4"},)}
    return NvidiaDevicePluginArgs(**{**values, **changes})


def _full() -> NvidiaDevicePluginArgs:
    return _args(sharing=Sharing.MPS, replicas=2, runtime_class="nvidia")


def _deploy(
    args: NvidiaDevicePluginArgs, check: Callable[[NvidiaDevicePlugin], pulumi.Output[None]] | None = None
) -> None:
    """Runs a program with the component in another one, as layers have it, and waits for its end."""

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[None] | None:
        plugin = NvidiaDevicePlugin("gpus", args, opts)
        return None if check is None else check(plugin)

    run_in_layer(program)


def test_the_children_of_the_default_are_exactly_these(monitor: Recorder) -> None:
    """Without MPS and RuntimeClass there are six children, each of its own type and name."""
    _deploy(_args())

    children = [(request.type, request.name) for request in monitor.objects()]
    assert len(children) == 6
    assert set(children) == PLUGIN_CHILDREN


def test_mps_and_runtime_class_are_two_children_more(monitor: Recorder) -> None:
    """The control daemon and the RuntimeClass exist where they are asked for."""
    _deploy(_full())

    children = [(request.type, request.name) for request in monitor.objects()]
    assert len(children) == 8
    assert set(children) == PLUGIN_CHILDREN | OPTIONAL_CHILDREN


def test_every_childs_parent_is_the_component(monitor: Recorder) -> None:
    """Children stay in the component although the component itself is inside another one."""
    _deploy(_full())

    component = monitor.urn(COMPONENT, "gpus")
    assert {request.parent for request in monitor.objects()} == {component}
    assert [request.parent for request in monitor.requests if request.type == COMPONENT] == [
        monitor.urn("test:index:Layer", "layer")
    ]


def test_every_childs_provider_is_the_given_one(monitor: Recorder) -> None:
    """No child falls back to a default provider."""
    _deploy(_full())

    assert [request.provider for request in monitor.objects()] == [monitor.provider()] * 8


def test_the_namespace_comes_first(monitor: Recorder) -> None:
    """Everything waits for the namespace, and the namespace for nothing."""
    _deploy(_full())

    namespace = monitor.urn("kubernetes:core/v1:Namespace", "gpus-namespace")
    waiting = {request.name: namespace in request.dependencies for request in monitor.objects()}
    assert waiting == {name: name != "gpus-namespace" for _, name in PLUGIN_CHILDREN | OPTIONAL_CHILDREN}
    assert list(monitor.request("kubernetes:core/v1:Namespace", "gpus-namespace").dependencies) == []


@pytest.mark.parametrize("name", ["gpus", "gpus-mps"])
def test_daemon_sets_come_last(monitor: Recorder, name: str) -> None:
    """Each DaemonSet waits for account, rights, configuration and RuntimeClass, and not for the other DaemonSet."""
    _deploy(_full())

    dependencies = {
        urn.rpartition("::")[2] for urn in monitor.request("kubernetes:apps/v1:DaemonSet", name).dependencies
    }
    assert dependencies == {
        "gpus-namespace",
        "gpus-account",
        "gpus-config",
        "gpus-role",
        "gpus-binding",
        "gpus-runtime-class",
    }


def test_the_component_carries_its_plan(monitor: Recorder) -> None:
    """The component's own inputs are the plan as plain data, for policies and the preview tree."""
    _deploy(_args(sharing=Sharing.TIME_SLICING, replicas=4, mig_strategy=MigStrategy.MIXED))

    assert monitor.resources[monitor.urn(COMPONENT, "gpus")].state == {
        "namespace": "nvidia",
        "image": "example.com/plugin:v0.20.0",
        "sharing": "time-slicing",
        "replicas": 4,
        "migStrategy": "mixed",
        "resources": ["nvidia.com/gpu"],
        "pools": [{"pool": "l4"}],
        "taintKeys": ["nvidia.com/gpu"],
    }


def test_outputs_are_registered_once_and_are_the_public_attributes(monitor: Recorder) -> None:
    """The registered outputs are those that the class declares."""
    _deploy(_args())

    component = monitor.urn(COMPONENT, "gpus")
    assert monitor.outputs[component] == ["daemon_set_name"]
    assert set(inspect.get_annotations(NvidiaDevicePlugin)) == {"daemon_set_name"}


@pytest.mark.usefixtures("monitor")
def test_the_output_is_the_name_of_the_daemon_set() -> None:
    """`daemon_set_name` is the name in the cluster, not the logical one."""
    names: list[str] = []
    _deploy(_full(), lambda plugin: plugin.daemon_set_name.apply(names.append))

    assert names == ["nvidia-device-plugin"]


def test_invalid_args_raise_one_error_that_names_every_property(monitor: Recorder) -> None:
    """All faults are in one error, in its message and by property, and no child is registered."""
    args = _args(namespace="default", pool_selectors=(), sharing=Sharing.MPS, mig_strategy=MigStrategy.SINGLE)
    with pytest.raises(pulumi.InputPropertiesError) as raised:
        _deploy(args)

    paths = ["namespace", "pool_selectors", "replicas", "mig_strategy"]
    errors = raised.value.errors or []
    assert [error["property_path"] for error in errors] == paths
    assert raised.value.message.splitlines() == [
        "NvidiaDevicePlugin gpus cannot be built:",
        *(f"  {error['property_path']} {error['reason']}" for error in errors),
    ]
    assert monitor.objects() == []
