"""Layers as Pulumi sees them: what they are made of, in which order, and where the token goes.

Mocks stand in for the engine. They cannot prove that the order is kept while things change, nor that a state file
encrypts what is marked as secret; the tests against the lab do.
"""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import rpc

from components.custom_resource_definitions import CustomResourceDefinitions, CustomResourceDefinitionsArgs
from releases import RELEASES, CrdBundle, CrdFile, Release
from releases.crd_store import CrdFilesMissingError, store
from stacks import PlatformLayer, PlatformLayerArgs, ServingLayer, ServingLayerArgs, StackPlan
from tests.support.configs import SECRET, plan
from tests.support.manifests import serving_objects
from tests.support.pulumi_mocks import Recorder, plain, run_in_layer

TOKEN = "hf_TokenOfATest"
SERVICE = "llmd:index:ModelService"
PICKER = "llmd:index:EndpointPicker"
ROUTE = "llmd:index:HttpRoute"
GATEWAY = "llmd:index:InferenceGateway"
CRDS = "llmd:index:CustomResourceDefinitions"
PLUGIN = "llmd:index:NvidiaDevicePlugin"
CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRETS = "kubernetes:core/v1:Secret"
PRECISE = {"release": "v0.9", "models.qwen.precisePrefixCache": {}}
TWO = {"models.other": {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang"}}
ISTIO = {"gateway": {"provider": "istio"}}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com", "annotations": {"a": "b"}, "creationTimestamp": None},
    "spec": {"group": "example.com"},
    "status": {"conditions": []},
}


def _serve(made: StackPlan, token: str | None = None) -> None:
    secret = None if token is None else pulumi.Output.secret(token)

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[str | None]:
        return ServingLayer("serving", ServingLayerArgs.of(made, secret), opts).url

    run_in_layer(program)


def _crds_of_a_test(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Release:
    """A release line with one CRD of its own, in a store of its own."""
    monkeypatch.setenv("LLM_D_CRDS", str(folder))
    content = yaml.safe_dump(DEFINITION).encode()
    file = CrdFile(path="crd.yaml", sha256=hashlib.sha256(content).hexdigest())
    store(file, content)
    bundle = CrdBundle(name="things", repository="e/t", go_module="e/t", version="v1.0.0", files=(file,))
    return replace(RELEASES["v0.4"], crd_bundles=(bundle,))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            {
                "serving Namespace": NAMESPACE,
                "serving-gateway InferenceGateway": GATEWAY,
                "serving-qwen ModelService": SERVICE,
                "serving-qwen-picker EndpointPicker": PICKER,
            },
        ),
        (
            {**TWO, **ISTIO},
            {
                "serving Namespace": NAMESPACE,
                "serving-gateway InferenceGateway": GATEWAY,
                "serving-other ModelService": SERVICE,
                "serving-other-picker EndpointPicker": PICKER,
                "serving-other-route HttpRoute": ROUTE,
                "serving-qwen ModelService": SERVICE,
                "serving-qwen-picker EndpointPicker": PICKER,
                "serving-qwen-route HttpRoute": ROUTE,
            },
        ),
        (
            PRECISE,
            {
                "serving Namespace": NAMESPACE,
                "serving-gateway InferenceGateway": GATEWAY,
                "serving-qwen ModelService": SERVICE,
                "serving-qwen-picker EndpointPicker": PICKER,
                "serving-qwen-render RenderPool": "llmd:index:RenderPool",
            },
        ),
    ],
)
def test_the_serving_layer_is_made_of_these(
    recorder: Recorder, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    """A gateway, and servers and picker of each model; a route where the provider takes routes as objects."""
    _serve(plan(changes))

    assert recorder.children(recorder.urn("llmd:index:ServingLayer", "serving")) == expected


@pytest.mark.parametrize("changes", [TWO, {**TWO, **ISTIO}, {"monitoring": "prometheus-operator"}, PRECISE])
def test_every_object_of_the_layer_is_the_plans(recorder: Recorder, changes: dict[str, Any]) -> None:
    """The layer registers exactly the objects that the pure builders make, each within a component, on the provider."""
    _serve(plan(changes))

    assert recorder.manifests() == plain(serving_objects(plan(changes)))
    assert {request.provider for request in recorder.objects()} == {recorder.provider()}
    parents = {request.parent for request in recorder.objects()}
    assert parents == {recorder.urn(request.type, request.name) for request in recorder.components()}


def test_a_picker_waits_for_what_tokenizes_for_it(recorder: Recorder) -> None:
    """Its first requests would find no tokens otherwise, and be sent anywhere."""
    _serve(plan(PRECISE))
    picker = next(request for request in recorder.components() if request.name == "serving-qwen-picker")

    assert {"serving-qwen-render Deployment", "serving-qwen Deployment"} <= recorder.waits_for(picker)


def test_everything_of_a_model_comes_in_order(recorder: Recorder) -> None:
    """Namespace, servers, picker, route: the picker's metric map is never set before the engine's pods are there."""
    _serve(plan({**ISTIO, "huggingFace": {"token": SECRET}}), TOKEN)
    waits = {
        (request.type, request.name): recorder.waits_for(request)
        for request in [*recorder.components(), *recorder.objects()]
    }
    servers = {f"serving-qwen{suffix}" for suffix in (
        " Deployment", "-account ServiceAccount", "-budget PodDisruptionBudget", "-network NetworkPolicy"
    )}  # fmt: skip

    assert waits[NAMESPACE, "serving"] == set()
    assert waits[SECRETS, "serving-token"] == {"serving Namespace"}
    assert waits[GATEWAY, "serving-gateway"] == {"serving Namespace"}
    assert waits[SERVICE, "serving-qwen"] == {"serving Namespace", "serving-token Secret"}
    assert servers <= waits[PICKER, "serving-qwen-picker"]
    assert "serving-qwen-picker Deployment" in waits[ROUTE, "serving-qwen-route"]
    unordered = [
        request.name
        for request in recorder.objects()
        if request.type != NAMESPACE and not recorder.reaches(request, recorder.urn(NAMESPACE, "serving"))
    ]
    assert unordered == []


def test_the_token_is_a_secret_of_one_object(recorder: Recorder) -> None:
    """The token reaches the engine once, marked as secret, and no other request knows it."""
    _serve(plan({"huggingFace": {"token": SECRET}}), TOKEN)
    request = recorder.request(SECRETS, "serving-token")
    inputs = rpc.deserialize_properties(request.object)

    assert rpc.is_rpc_secret(inputs["stringData"])
    assert rpc.unwrap_rpc_secret(inputs["stringData"]) == {"HF_TOKEN": TOKEN}
    assert inputs["metadata"]["name"] == "hugging-face-token"
    assert [item.name for item in recorder.requests if TOKEN in str(item)] == ["serving-token"]


def test_without_a_token_there_is_no_secret(recorder: Recorder) -> None:
    """A stack that makes no token Secret registers none."""
    _serve(plan())

    assert [request.name for request in recorder.objects() if request.type == SECRETS] == []


def test_the_serving_layer_carries_its_plan(recorder: Recorder) -> None:
    """What the preview shows of the layer is plain data that is known at once, and its namespace is restricted."""
    _serve(plan(TWO))
    layer = recorder.urn("llmd:index:ServingLayer", "serving")

    assert recorder.resources[layer].state == {
        "namespace": "llm-d",
        "gatewayProvider": "standalone",
        "models": {
            "other": {
                "engine": "sglang",
                "image": "docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
                "replicas": 1,
                "gpus": 1,
                "servedName": "Qwen/Qwen3-8B",
                "path": "/other",
            },
            "qwen": {
                "engine": "vllm",
                "image": "ghcr.io/llm-d/llm-d-cuda:v0.4.0",
                "replicas": 1,
                "gpus": 1,
                "servedName": "Qwen/Qwen3-0.6B",
                "path": "/qwen",
            },
        },
    }
    (namespace,) = [item for item in recorder.manifests() if item["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("changes", "crds", "plugin", "expected"),
    [
        ({}, "install", True, {"platform-crds CustomResourceDefinitions": CRDS,
                               "platform-device-plugin NvidiaDevicePlugin": PLUGIN}),
        ({"crds": "existing"}, "existing", True, {"platform-device-plugin NvidiaDevicePlugin": PLUGIN}),
        ({"gpuPools.l4.advertiser": "external"}, "install", False, {"platform-crds CustomResourceDefinitions": CRDS}),
        ({"crds": "existing", "gpuPools.l4.advertiser": "external"}, "existing", False, {}),
    ],
)  # fmt: skip
def test_the_platform_layer_is_made_of_these(
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, Any],
    crds: str,
    expected: dict[str, str],
    *,
    plugin: bool,
) -> None:
    """CRDs and device plugin, each where the stack is to bring it; the pools are plain data."""
    args = replace(PlatformLayerArgs.of(plan(changes)), release=_crds_of_a_test(monkeypatch, tmp_path))

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
        return PlatformLayer("platform", args, opts).crds

    run_in_layer(program)
    layer = recorder.urn("llmd:index:PlatformLayer", "platform")
    assert recorder.children(layer) == expected
    assert {request.provider for request in recorder.objects()} <= {recorder.provider()}
    image = "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"
    assert recorder.resources[layer].state == {
        "release": "v0.4",
        "crds": crds,
        **({"devicePlugin": image} if plugin else {}),
        "gpuPools": {
            "l4": {
                "instanceType": "g6.xlarge",
                "minSize": 0,
                "maxSize": 3,
                "gpuResource": "nvidia.com/gpu",
                "gpusPerNode": 1,
                "nodeSelector": {"node.kubernetes.io/instance-type": "g6.xlarge"},
                "taintKey": "nvidia.com/gpu",
                "advertiser": "device-plugin" if plugin else "external",
                "gpusOfModels": {"qwen": 1},
            }
        },
    }


def test_a_crd_is_waited_for_until_it_is_established(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A CRD is applied as its project wrote it, without what a client does not own, and waited for."""
    args = CustomResourceDefinitionsArgs(release=_crds_of_a_test(monkeypatch, tmp_path))
    names: list[object] = []

    def program(opts: pulumi.ResourceOptions) -> pulumi.Output[None]:
        return CustomResourceDefinitions("crds", args, opts).names.apply(names.append)

    run_in_layer(program)
    component = recorder.urn(CRDS, "crds")
    request = recorder.request(CRD, "crds-things.example.com")
    metadata = rpc.deserialize_properties(request.object)["metadata"]
    assert recorder.children(component) == {"crds-things.example.com CustomResourceDefinition": CRD}
    assert (request.parent, request.provider) == (component, recorder.provider())
    assert metadata["annotations"]["pulumi.com/waitFor"] == "condition=Established"
    assert recorder.manifests() == [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.com", "annotations": {"a": "b"}},
            "spec": {"group": "example.com"},
        }
    ]
    assert recorder.resources[component].state == {"bundles": {"things": "v1.0.0"}}
    assert recorder.outputs[component] == ["names"]
    assert names == [["things.example.com"]]


def test_a_missing_crd_file_ends_the_program(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the pinned file nothing is registered in its place, and the message says how to get it."""
    args = CustomResourceDefinitionsArgs(release=_crds_of_a_test(monkeypatch, tmp_path))
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path / "empty"))

    def program(opts: pulumi.ResourceOptions) -> None:
        CustomResourceDefinitions("crds", args, opts)

    with pytest.raises(CrdFilesMissingError) as raised:
        run_in_layer(program)
    assert str(raised.value) == "crd.yaml is not on this machine; `make crds` fetches it"
    assert recorder.objects() == []


@pytest.mark.parametrize(
    ("layer", "type_", "make"),
    [
        (
            ServingLayer,
            "serving",
            lambda opts: ServingLayer("serving", ServingLayerArgs.of(plan(), None), opts),
        ),
        (
            PlatformLayer,
            "platform",
            lambda opts: PlatformLayer("platform", PlatformLayerArgs.of(plan({"crds": "existing"})), opts),
        ),
    ],
)
def test_a_layers_outputs_are_its_public_attributes(
    recorder: Recorder,
    layer: type[pulumi.ComponentResource],
    type_: str,
    make: Callable[[pulumi.ResourceOptions], pulumi.ComponentResource],
) -> None:
    """What is registered, once, is what the class declares."""

    def program(opts: pulumi.ResourceOptions) -> None:
        make(opts)

    run_in_layer(program)
    assert recorder.outputs[recorder.urn(f"llmd:index:{layer.__name__}", type_)] == list(inspect.get_annotations(layer))
