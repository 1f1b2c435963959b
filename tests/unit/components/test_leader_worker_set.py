"""A model that is spread over several nodes: groups of pods of a LeaderWorkerSet, and what each pod is told.

What these tests cannot prove: that the copies of a model find each other over a network.
"""

from typing import Any

from components.endpoint_picker import build as build_picker
from components.model_service import ModelServiceArgs, build
from tests.support.configs import plan
from tests.support.manifests import kinds_and_names
from tests.support.pod_security import restricted_violations

WIDE: dict[str, Any] = {
    "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 4}},
    "controllers": {"leaderWorkerSet": "existing"},
    "models.qwen.parallelism": {"data": 16, "dataLocal": 8, "expert": True},
}


def _args(changes: dict[str, Any] | None = None) -> ModelServiceArgs:
    return plan(WIDE | (changes or {})).models["qwen"].service


def _spec(args: ModelServiceArgs) -> dict[str, Any]:
    spec: dict[str, Any] = build(args)[""]["spec"]
    return spec


def _template(args: ModelServiceArgs) -> dict[str, Any]:
    template: dict[str, Any] = _spec(args)["leaderWorkerTemplate"]["workerTemplate"]
    return template


def test_a_replica_of_two_nodes_is_a_group_of_two_pods() -> None:
    """The object has a Deployment's place and name; a group that loses a pod starts over, and `up` waits for it."""
    objects = build(_args())

    assert kinds_and_names(objects) == {
        "account": ("ServiceAccount", "qwen"),
        "": ("LeaderWorkerSet", "qwen-decode"),
        "budget": ("PodDisruptionBudget", "qwen-decode"),
        "network": ("NetworkPolicy", "qwen-decode"),
    }
    assert objects[""]["apiVersion"] == "leaderworkerset.x-k8s.io/v1"
    assert objects[""]["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Available"
    spec = _spec(_args())
    assert spec["replicas"] == 1
    assert spec["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert {key: value for key, value in spec["leaderWorkerTemplate"].items() if key != "workerTemplate"} == {
        "size": 2,
        "restartPolicy": "RecreateGroupOnPodRestart",
    }


def test_without_room_a_group_goes_before_its_successor_comes() -> None:
    """Two nodes are the group's own: there is no place for a second one."""
    spec = _spec(_args({"gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 2}}}))

    assert spec["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_each_pod_takes_its_rank_from_its_number() -> None:
    """All pods are started alike: where the leader is and which pod this is comes from the controller."""
    (container,) = _template(_args())["spec"]["containers"]

    assert container["command"] == [
        *("sh", "-c"),
        'exec vllm serve "$@" --data-parallel-start-rank $((LWS_WORKER_INDEX * 8))',
        "vllm-serve",
    ]
    assert container["args"] == [
        *("Qwen/Qwen3-0.6B", "--port", "8000", "--served-model-name", "Qwen/Qwen3-0.6B"),
        *("--data-parallel-size", "16", "--data-parallel-size-local", "8"),
        *("--data-parallel-address", "$(LWS_LEADER_ADDRESS)", "--data-parallel-rpc-port", "5555"),
        *("--data-parallel-hybrid-lb", "--enable-expert-parallel", "--disable-uvicorn-access-log"),
    ]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert _args().gpus == 16


def test_several_copies_on_one_node_need_no_group() -> None:
    """They are one server in one pod of a Deployment."""
    args = _args({"models.qwen.parallelism": {"data": 4}})
    deployment = build(args)[""]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert deployment["kind"] == "Deployment"
    assert container["command"] == ["vllm", "serve"]
    assert container["args"][5:9] == ["--data-parallel-size", "4", "--data-parallel-size-local", "4"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert deployment["spec"]["template"]["spec"]["volumes"][2]["emptyDir"]["sizeLimit"] == "20480Mi"


def test_every_pod_of_a_group_is_an_endpoint_of_the_pool() -> None:
    """Each answers for its own copies, so the picker knows them one by one; among themselves they have every port."""
    made = plan(WIDE).models["qwen"]
    pool = build_picker(made.picker)["pool"]["spec"]
    labels = _template(made.service)["metadata"]["labels"]
    network = build(made.service)["network"]["spec"]

    assert pool["selector"]["matchLabels"].items() <= labels.items()
    assert pool["targetPorts"] == [{"number": 8000}]
    assert network["ingress"][-1] == {
        "from": [{"podSelector": {"matchLabels": {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}}}]
    }


def test_roles_may_be_spread_as_well() -> None:
    """Prefill on one node and decode on two: each role is what its parallelism makes of it, with the sidecar."""
    args = _args({"models.qwen.prefill": {"parallelism": {"data": 8, "expert": True}}})
    objects = build(args)
    annotations = _template(args)["metadata"]["annotations"]

    assert (objects[""]["kind"], objects["prefill"]["kind"]) == ("LeaderWorkerSet", "Deployment")
    assert _template(args)["spec"]["initContainers"][0]["name"] == "routing-proxy"
    assert objects["prefill"]["spec"]["template"]["metadata"]["annotations"] == annotations


def test_the_pods_of_a_group_pass_the_restricted_standard() -> None:
    """They need no more than any model server, as long as they speak to each other by the pod network."""
    assert restricted_violations(_template(_args())) == []
