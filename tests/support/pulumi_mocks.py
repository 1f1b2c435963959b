"""Pulumi's engine, mocked for one test: what is registered, as the raw requests tell it.

The SDK's own record of registered resources knows the type of a resource's parent only; the requests know its URN, the
provider, the dependencies and the timeouts. Mocks run no provider check, no wait and no diff.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi.runtime import mocks, rpc, settings

__all__ = ["COMPONENTS", "Recorder", "mocked", "plain", "run_in_layer"]

COMPONENTS = "llmd:index:"
"""Start of the type tokens of this program's components."""

_TO_THE_PROVIDER = "pulumi.com/"


_STACK_REFERENCE = "pulumi:pulumi:StackReference"


class _Mocks(mocks.Mocks):
    def __init__(self, stack_outputs: dict[str, dict[str, Any]]) -> None:
        self._stack_outputs = stack_outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        """A plan never dials: no function of a provider may be called."""
        raise AssertionError(f"{args.token} was called")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """A resource's state is its inputs, and what AWS adds to them; a reference's is the other stack's outputs."""
        if args.typ == _STACK_REFERENCE:
            return args.inputs["name"], {**args.inputs, "outputs": self._stack_outputs[args.inputs["name"]]}
        computed = {"arn": f"arn:aws:test:{args.name}", "name": args.name} if args.typ.startswith("aws:") else {}
        return f"{args.name}-id", {**computed, **_COMPUTED.get(args.typ, {}), **args.inputs, **_of_cluster(args)}


_COMPUTED: dict[str, dict[str, Any]] = {
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "aws:eks/nodeGroup:NodeGroup": {"nodeGroupName": "made-by-eks"},
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://192.0.2.1",
        "certificateAuthority": {"data": "Q0E="},
    },
}


def _of_cluster(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """EKS makes a security group of its own for the cluster and tells it among the inputs."""
    if args.typ != "aws:eks/cluster:Cluster":
        return {}
    return {"vpcConfig": {**args.inputs["vpcConfig"], "clusterSecurityGroupId": "sg-of-cluster"}}


@contextmanager
def _loop_of_thread() -> Iterator[None]:
    """The mock monitor opens an event loop in each worker thread and leaves it open; this one is closed."""
    if threading.current_thread() is threading.main_thread():
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class Recorder(mocks.MockMonitor):
    """The requests of one test, as they arrived."""

    def __init__(self) -> None:
        """Record nothing yet."""
        self.stack_outputs: dict[str, dict[str, Any]] = {}
        """Outputs of other stacks, by their full name."""
        super().__init__(_Mocks(self.stack_outputs))
        self.requests: list[Any] = []
        self.outputs: dict[str, list[str]] = {}
        """Keys that were registered as outputs, by URN; twice the keys where that was done twice."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - gRPC's own
        """Record, then mock."""
        self.requests.append(request)
        with _loop_of_thread():
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def ReadResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - gRPC's own
        """Mock: a reference to another stack is read, not registered."""
        with _loop_of_thread():
            return super().ReadResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802 - gRPC's own
        """Record, then mock."""
        self.outputs.setdefault(request.urn, []).extend(request.outputs.fields)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def urn(self, type_: str, name: str) -> str:
        """URN of the one resource of this type and name."""
        found = [urn for urn in self.resources if urn.endswith((f"${type_}::{name}", f"::{type_}::{name}"))]

        assert len(found) == 1, (type_, name, found)
        return found[0]

    def request(self, type_: str, name: str) -> Any:  # noqa: ANN401 - a protobuf message
        """The request of the one resource of this type and name."""
        found = [request for request in self.requests if (request.type, request.name) == (type_, name)]

        assert len(found) == 1, (type_, name)
        return found[0]

    def objects(self) -> list[Any]:
        """Requests of every Kubernetes object."""
        return [request for request in self.requests if request.type.startswith("kubernetes:")]

    def components(self) -> list[Any]:
        """Requests of every component of this program."""
        return [request for request in self.requests if request.type.startswith(COMPONENTS)]

    def children(self, urn: str) -> dict[str, str]:
        """Direct children: name with its type, for a name may be there once per type."""
        found = [(request.type, request.name) for request in self.requests if request.parent == urn]

        assert len(set(found)) == len(found)
        return {f"{name} {type_.rpartition(':')[2]}": type_ for type_, name in sorted(found)}

    def waits_for(self, request: Any) -> set[str]:  # noqa: ANN401 - a protobuf message
        """Names with kind of what a resource depends on."""
        return {f"{name} {type_.rpartition(':')[2]}" for type_, name in map(_type_and_name, request.dependencies)}

    def reaches(self, request: Any, urn: str) -> bool:  # noqa: ANN401 - a protobuf message
        """Whether a resource comes after another one, however many steps lie between.

        A child is registered once its parent is, and the parent once all that the parent depends on is there.
        """
        by_urn = {self.urn(item.type, item.name): item for item in [*self.objects(), *self.components()]}
        waiting, seen = [*request.dependencies, request.parent], set()
        while waiting:
            current = waiting.pop()
            if current not in seen and current in by_urn:
                waiting += [*by_urn[current].dependencies, by_urn[current].parent]
            seen.add(current)
        return urn in seen

    def provider(self) -> str:
        """The reference by which resources name the provider of `run_in_layer`."""
        return f"{self.urn('pulumi:providers:kubernetes', 'cluster')}::cluster-id"

    def manifests(self) -> list[dict[str, Any]]:
        """The Kubernetes objects as the provider gets them, in the form of `plain`."""
        return plain(rpc.deserialize_properties(request.object) for request in self.objects())


def plain(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Manifests without annotations that speak to the provider alone, in an order that can be compared."""
    result = []
    for manifest in manifests:
        metadata = dict(manifest["metadata"])
        annotations = metadata.pop("annotations", {})
        kept = {key: text for key, text in annotations.items() if not key.startswith(_TO_THE_PROVIDER)}
        result.append(manifest | {"metadata": metadata | ({"annotations": kept} if kept else {})})
    return sorted(result, key=lambda item: (item["kind"], item["metadata"]["name"]))


def _type_and_name(urn: str) -> tuple[str, str]:
    _, _, types, name = urn.split("::")
    return types.rpartition("$")[2], name


@contextmanager
def mocked(*, preview: bool = False) -> Iterator[Recorder]:
    """Mocks, root stack and event loop of one test alone; all of them are the SDK's globals."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder()
    mocks.set_mocks(recorder.mocks, project="llm-d", stack="test", preview=preview, monitor=recorder)
    try:
        yield recorder
    finally:
        settings.reset_options()
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def run_in_layer(program: Callable[[pulumi.ResourceOptions], pulumi.Output[Any] | None]) -> None:
    """Run a program to its end inside another component, which alone has the provider, as layers have it."""

    def nested() -> pulumi.Output[Any] | None:
        provider = kubernetes.Provider("cluster", kubeconfig="{}")
        layer = pulumi.ComponentResource("test:index:Layer", "layer", {}, pulumi.ResourceOptions(providers=[provider]))
        return program(pulumi.ResourceOptions(parent=layer))

    mocks.test(nested)()  # type: ignore[no-untyped-call]
