"""What pods on several nodes speak over: which pools, images and roles go together, and what a pod then asks for.

What these tests cannot prove: that a packet passes.
"""

from typing import Any

import pytest

from lab.stack import simulated_pools
from settings import Fault
from tests.support.configs import EKS, EKS_EXISTING, faults, plan, settings

P5EN = {
    "release": "v0.9",
    "gpuPools.l4": {"instanceType": "p5en.48xlarge", "maxSize": 4, "fabric": "efa"},
    "models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "image": "llm-d-aws"},
}
PREFILL = {**P5EN, "models.qwen.prefill": {}}
SPREAD = {
    **P5EN,
    "controllers.leaderWorkerSet": "existing",
    "models.qwen.parallelism": {"tensor": 8, "workers": 2},
}
ON_EKS = {**EKS, "gpuPools.l4.instanceType": "p5.48xlarge", "gpuPools.l4.zones": ["us-west-2a"]}
NO_EFA = "llm-d's guides run another image there, and of this one it is not known that it holds libfabric for EFA"


def _devices(changes: dict[str, Any]) -> dict[str, tuple[str, int] | None]:
    return {role.label: role.fabric_devices for role in plan(changes).models["qwen"].service.roles}


@pytest.mark.parametrize(
    ("instance", "tensor", "expected"),
    [
        # As llm-d's guide for AWS has it: of p5en's sixteen interfaces, two beside each of the eight GPUs.
        ("p5en.48xlarge", 4, 8),
        ("p5en.48xlarge", 1, 2),
        ("p5.48xlarge", 2, 8),
        ("p4d.24xlarge", 2, 1),
        ("p6-b200.48xlarge", 8, 8),
    ],
)
def test_a_pods_interfaces_are_in_proportion_to_its_gpus(instance: str, tensor: int, expected: int) -> None:
    """Of the node's EFA interfaces a pod asks for those beside its GPUs, in either role."""
    parallelism = {"parallelism": {"tensor": tensor}}
    changes = {
        **P5EN,
        "gpuPools.l4.instanceType": instance,
        "models.qwen": {"source": "hf://Qwen/Qwen3-32B", "image": "llm-d-aws", **parallelism, "prefill": parallelism},
    }

    assert _devices(changes) == dict.fromkeys(("decode", "prefill"), ("vpc.amazonaws.com/efa", expected))


def test_only_pods_that_speak_to_other_nodes_ask_for_interfaces() -> None:
    """Prefill and decode do, and the pods of a replica of several nodes; a server by itself does not."""
    assert _devices(P5EN) == {"decode": None}
    assert [role.libfabric for role in plan(P5EN).models["qwen"].service.roles] == [False]
    assert _devices(SPREAD) == {"decode": ("vpc.amazonaws.com/efa", 16)}
    assert _devices({**PREFILL, "gpuPools.l4.fabric": "none"}) == {"decode": None, "prefill": None}


def test_with_rdma_each_pod_asks_for_the_one_device() -> None:
    """As in llm-d's guide for CoreWeave: one rdma/ib, whatever the pod's size; the transport is the engine's own."""
    changes = {**PREFILL, "gpuPools.l4.fabric": "rdma", "models.qwen.image": "vllm-openai"}
    roles = plan(changes).models["qwen"].service.roles

    assert [(role.fabric_devices, role.libfabric) for role in roles] == [(("rdma/ib", 1), False)] * 2


def test_a_pool_of_eks_with_efa_speaks_over_it() -> None:
    """`efa: true` is enough; `fabric: none` leaves the interfaces to others."""
    pool = settings({**ON_EKS, "gpuPools.l4.efa": True}).gpu_pools["l4"]
    silent = settings({**ON_EKS, "gpuPools.l4.efa": True, "gpuPools.l4.fabric": "none"}).gpu_pools["l4"]

    assert [str(pool.spoken_over), str(silent.spoken_over)] == ["efa", "none"]


@pytest.mark.parametrize(
    ("fabric", "expected"),
    [("efa", {"vpc.amazonaws.com/efa": "16"}), ("rdma", {"rdma/ib": "8"}), ("none", {})],
)
def test_the_labs_nodes_have_the_devices_of_their_pool(fabric: str, expected: dict[str, str]) -> None:
    """As many EFA interfaces as the type has; of the shared RDMA device as many as pods can be."""
    (pool,) = simulated_pools(settings({**P5EN, "gpuPools.l4.fabric": fabric}))

    assert {key: value for key, value in pool.capacity.items() if key.startswith(("vpc.", "rdma/"))} == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {**ON_EKS, "gpuPools.l4.fabric": "rdma"},
            Fault(
                path="gpuPools.l4.fabric",
                problem="AWS has neither InfiniBand nor RoCE",
                given="rdma",
                allowed="efa, none",
            ),
        ),
        (
            {**ON_EKS, "gpuPools.l4.fabric": "efa"},
            Fault(
                path="gpuPools.l4.fabric",
                problem="the pool's nodes would have no EFA interface: nothing attaches one",
                given="efa",
                allowed="gpuPools.l4.efa: true",
            ),
        ),
        (
            {"gpuPools.l4.fabric": "efa"},
            Fault(
                path="gpuPools.l4.fabric",
                problem="g6.xlarge has no EFA interface",
                given="efa",
                allowed="none, or a type that has EFA",
            ),
        ),
        (
            {"gpuPools.l4.efaAdvertiser": "external"},
            Fault(
                path="gpuPools.l4.efaAdvertiser",
                problem="has no meaning with fabric none",
                given="external",
                allowed="remove the key, or set fabric: efa",
            ),
        ),
        (
            {**ON_EKS, "gpuPools.l4.efa": True, "gpuPools.l4.efaAdvertiser": "external"},
            Fault(
                path="gpuPools.l4.efaAdvertiser",
                problem="nothing would advertise the EFA interfaces: the cluster is new, and no AMI has a plugin",
                given="external",
                allowed="device-plugin",
            ),
        ),
        (
            {**PREFILL, "gpuPools.l4.instanceType": "g6e.48xlarge"},
            [
                Fault(
                    path=f"models.{role}.parallelism",
                    problem="a pod of 1 of a node's 8 GPUs has a right to less than one of the 4 EFA interfaces of"
                    " g6e.48xlarge",
                    given="1",
                    allowed="GPUs for a whole interface, another type, or gpuPools.l4.fabric: none",
                )
                for role in ("qwen", "qwen.prefill")
            ],
        ),
        (
            {**PREFILL, "models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "prefill": {}}},
            Fault(
                path="models.qwen.image",
                problem=f"image docker.io/vllm/vllm-openai:v0.26.0 cannot send data over EFA: {NO_EFA}; take llm-d-aws",
                allowed="llm-d-aws, an image of your own that holds libfabric; or gpuPools.l4.fabric: none, for TCP",
            ),
        ),
        (
            {
                **PREFILL,
                "release": "v0.4",
                "models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "image": "vllm-openai", "prefill": {}},
            },
            Fault(
                path="models.qwen.image",
                problem="image docker.io/vllm/vllm-openai:v0.12.0 cannot send data over EFA: llm-d has images for EFA"
                " from 0.5.1 on (llm-d#522, llm-d#741); line v0.9 names one",
                given="vllm-openai",
                allowed="an image of your own that holds libfabric; or gpuPools.l4.fabric: none, for TCP",
            ),
        ),
        (
            {
                **PREFILL,
                "gpuPools.other": {"instanceType": "p5.48xlarge", "maxSize": 4},
                "models.qwen.pool": "l4",
                "models.qwen.prefill": {"pool": "other"},
            },
            Fault(
                path="models.qwen.prefill.pool",
                problem="pool other has fabric none, but decode's pool l4 has efa: the roles would not reach each"
                " other",
                given="other",
                allowed="a pool of fabric efa, such as l4",
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], expected: Fault | list[Fault]) -> None:
    """Each fault names the key, and what would do."""
    assert faults(changes) == (expected if isinstance(expected, list) else [expected])


def test_efa_does_not_leave_a_pool_of_eks() -> None:
    """Each pool that EKS makes has a security group of its own, which admits its own members."""
    pool = {
        "instanceType": "p5.48xlarge",
        "zones": ["us-west-2a"],
        "efa": True,
        "minSize": 2,
        "maxSize": 2,
        "releaseVersion": "1.34.1-20260810",
    }
    changes = {
        **EKS,
        "release": "v0.9",
        "gpuPools": {name: {**pool, "nodeSelector": {"example.com/pool": name}} for name in ("one", "two")},
        "models.qwen.image": "llm-d-aws",
        "models.qwen.pool": "one",
    }

    assert faults({**changes, "models.qwen.prefill": {"pool": "one"}}) == []
    assert faults({**changes, "models.qwen.prefill": {"pool": "two"}}) == [
        Fault(
            path="models.qwen.prefill.pool",
            problem="EFA does not leave a pool: each pool's interfaces admit those of their own security group",
            given="two",
            allowed="one, as for decode",
        )
    ]


def test_an_image_of_ones_own_is_believed() -> None:
    """Nothing is known of it; SGLang gets on EFA by AWS' own containers that way."""
    own = "763104351884.dkr.ecr.us-east-1.amazonaws.com/sglang:0.5.12-gpu-py312-cu130-ubuntu24.04-ec2"
    changes = {
        **PREFILL,
        "models.qwen": {"source": "hf://Qwen/Qwen3-0.6B", "engine": "sglang", "image": own, "prefill": {}},
    }

    assert faults(changes) == []


def test_a_cluster_that_is_there_may_have_the_plugin() -> None:
    """On such a cluster somebody else may advertise the interfaces."""
    changes = {**EKS_EXISTING, **{key: value for key, value in ON_EKS.items() if key not in EKS}}

    assert faults({**changes, "gpuPools.l4.efa": True, "gpuPools.l4.efaAdvertiser": "external"}) == []


@pytest.mark.parametrize(
    ("namespace", "problem", "allowed"),
    [
        ("kube-system", "is the cluster's own; this stack creates its namespaces and deletes them", None),
        (
            "llm-d",
            "is the serving namespace, which is restricted; the device plugin's pods are privileged",
            None,
        ),
        (
            "nvidia-device-plugin",
            "is NVIDIA's device plugin's; each creates its namespace and deletes it",
            "a namespace of its own",
        ),
    ],
)
def test_the_plugins_namespace_is_its_own(namespace: str, problem: str, allowed: str | None) -> None:
    """It is privileged and is deleted with the stack; where no plugin is installed the key does not matter."""
    expected = Fault(path="efaDevicePlugin.namespace", problem=problem, given=namespace, allowed=allowed)

    assert faults({**P5EN, "efaDevicePlugin.namespace": namespace}) == [expected]
    assert faults({"efaDevicePlugin.namespace": namespace}) == []
