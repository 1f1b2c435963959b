"""GPUs: asked for as they exist, placed where they are, advertised once; pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy.checks.instances import INSTANCES
from policy.checks.pods import EFA, Container, Pod, count_of, flag, has_gpu_pods, has_pods, pods_of
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import Subject, at, children, mapping
from policy.checks.world import World

__all__ = ["RULES"]

_GPU = "nvidia.com/gpu"

_TENSOR = ("--tensor-parallel-size", "-tp", "--tp-size", "--tp", "--tp_size")
_PIPELINE = ("--pipeline-parallel-size", "-pp", "--pp-size", "--pp", "--pp_size")
_DATA_LOCAL = ("--data-parallel-size-local", "-dpl")
_ENGINES = re.compile(r"vllm|sglang|trtllm-serve")

_ADVERTISERS = re.compile(r"(?<!efa-)k8s-device-plugin|dra-driver-nvidia|k8s-dra-driver")
_DRA = re.compile(r"dra-driver")
_SHARING = re.compile(r"^\s*(timeSlicing|mps):", re.MULTILINE)


def _amounts(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    most = _most_per_node(world)
    for pod in pods_of(subject):
        for container in pod.containers:
            limits, requests = container.amounts("limits"), container.amounts("requests")
            for name in sorted({*container.gpus, *({EFA} & {*limits, *requests})}):
                yield from _amount(container, name, requests.get(name), limits.get(name), most.get(name))


def _amount(container: Container, name: str, request: object, limit: object, most: int | None) -> Iterator[str]:
    count = count_of(limit)
    if not count:
        yield f"{container.name}: limit of {name} is {limit}, no whole number of devices"
    elif request is not None and count_of(request) != count:
        yield f"{container.name}: requests {request} {name} and is limited to {limit}; devices cannot be overcommitted"
    elif most is not None and count > most:
        yield f"{container.name}: asks for {count} {name}, but no node of a declared pool has more than {most}"


def _most_per_node(world: World) -> dict[str, int]:
    """Devices of the best equipped node that the stack declares; a resource is absent where no pool is known."""
    found: dict[str, int] = {}
    for pool in world.pools.values():
        resource = str(at(pool, "gpuResource"))
        found[resource] = max(found.get(resource, 0), int(at(pool, "gpusPerNode") or 0))
        instance = INSTANCES.get(str(at(pool, "instanceType")))
        found[EFA] = max(found.get(EFA, 0), instance.efa if instance else 0)
    for group in world.of_kind("NodeGroup"):
        for name in children(group.properties, "instanceTypes"):
            if (instance := INSTANCES.get(str(name))) and not world.pools:
                found[_GPU] = max(found.get(_GPU, 0), instance.gpus)
                found[EFA] = max(found.get(EFA, 0), instance.efa)
    return found


def _parallelism(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    size = count_of(at(subject.properties, "spec", "leaderWorkerTemplate", "size") or 1) or 1
    for pod in pods_of(subject):
        for container in pod.gpu_containers:
            words = " ".join(container.command_line)
            gpus = [count_of(amount) for name, amount in container.gpus.items() if name.startswith(_GPU)]
            if not _ENGINES.search(words) or not gpus or gpus[0] is None:
                continue
            degrees = {name: _degree(container, names) for name, names in _DEGREES.items()}
            product = degrees["tensor"] * degrees["pipeline"] * degrees["local data"]
            if product not in (gpus[0], gpus[0] * size):
                said = " x ".join(f"{name} {degree}" for name, degree in degrees.items() if degree > 1) or "tensor 1"
                yield f"{container.name}: engine uses {said} = {product} GPUs, the pod asks for {gpus[0]}"


_DEGREES: Mapping[str, tuple[str, ...]] = {"tensor": _TENSOR, "pipeline": _PIPELINE, "local data": _DATA_LOCAL}


def _degree(container: Container, names: tuple[str, ...]) -> int:
    return count_of(flag(container, *names) or "1") or 1


def _placement(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    pools = world.pools
    for pod in pods_of(subject):
        if pod.gpu_containers:
            yield from _gpu_placement(pod, pools)
        elif subject.kind != "DaemonSet" and _tolerates(pod, _GPU):
            yield f"tolerates {_GPU} without asking for a GPU: it would sit on nodes that cost tens of dollars an hour"


def _gpu_placement(pod: Pod, pools: Mapping[str, Any]) -> Iterator[str]:
    selector = mapping(pod.spec, "nodeSelector")
    chosen = [pool for pool in pools.values() if mapping(pool, "nodeSelector").items() <= selector.items()]
    if not selector and not at(pod.spec, "affinity", "nodeAffinity"):
        yield "asks for GPUs and selects no pool: it runs on whatever GPU comes first"
    elif pools and selector and not chosen:
        said = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        yield f"selects {said}, which is none of the declared pools {', '.join(sorted(pools))}"
    keys = [str(at(pool, "taintKey")) for pool in chosen if at(pool, "taintKey")] if pools else [_GPU]
    for key in keys:
        if not _tolerates(pod, key):
            yield f"does not tolerate taint {key} whatever its value: values differ between clouds"


def _tolerates(pod: Pod, key: str) -> bool:
    tolerations = children(pod.spec, "tolerations")
    return any(at(item, "key") in (key, None) and at(item, "operator") == "Exists" for item in tolerations)


def _advertises(subject: Subject) -> bool:
    if subject.kind == "PlatformLayer":
        return True
    if subject.is_a("ConfigMap"):
        return bool(_SHARING.search(_config_text(subject)))
    return subject.is_a("DaemonSet") and bool(_ADVERTISERS.search(_image_text(subject)))


def _image_text(subject: Subject) -> str:
    return " ".join(str(at(c.spec, "image")) for pod in pods_of(subject) for c in pod.containers)


def _config_text(subject: Subject) -> str:
    data = at(subject.properties, "data")
    return "\n".join(str(item) for item in data.values()) if isinstance(data, Mapping) else ""


def _advertiser(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    if subject.is_a("ConfigMap"):
        if not settings["sharing"]:
            yield "shares GPUs by time-slicing or MPS: nothing isolates one model's memory from another's"
        return
    if subject.kind == "PlatformLayer":
        yield from _advertised_pools(subject)
        return
    others = [item for item in world.of_kind("DaemonSet") if item.key != subject.key and _advertises(item)]
    for other in others:
        if _DRA.search(_image_text(subject) + _image_text(other)) or _nodes_of(other) == _nodes_of(subject):
            yield f"advertises GPUs of the nodes that {other.name} advertises: each would be handed out twice"


def _advertised_pools(subject: Subject) -> Iterator[str]:
    for name, pool in mapping(subject.properties, "gpuPools").items():
        if not at(pool, "advertiser"):
            yield f"pool {name} has nobody who advertises its GPUs"


def _nodes_of(subject: Subject) -> object:
    spec = at(subject.properties, "spec", "template", "spec")
    return at(spec, "nodeSelector"), at(spec, "affinity")


def _capacity(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    """More replicas than there are GPUs: the last ones stay Pending, and the autoscaler asks for ever."""
    if subject.kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        yield from _autoscaler(subject)
        return
    for name, pool in mapping(subject.properties, "gpuPools").items():
        gpus = int(at(pool, "gpusPerNode") or 0) * int(at(pool, "maxSize") or 0)
        wanted = sum(int(number) for number in mapping(pool, "gpusOfModels").values())
        if wanted > gpus:
            yield f"pool {name}: its models need {wanted} GPUs, it has {gpus} at its maximum"


def _autoscaler(subject: Subject) -> Iterator[str]:
    spec = at(subject.properties, "spec")
    hpa = subject.kind == "HorizontalPodAutoscaler"
    low, high = ("minReplicas", "maxReplicas") if hpa else ("minReplicaCount", "maxReplicaCount")
    least, most = count_of(at(spec, low) or 0) or 0, count_of(at(spec, high) or 1) or 0
    if least > most:
        yield f"{low} {least} is greater than {high} {most}"
    for metric in children(spec, "metrics") if hpa else children(spec, "triggers"):
        if at(metric, "resource", "name") == "cpu" or at(metric, "type") == "cpu":
            yield "scales on CPU utilisation, which says nothing about an engine whose work is on the GPU"
    if hpa and at(spec, "minReplicas") == 0:
        yield "scales to zero, which only KEDA can do"


def _scales(subject: Subject) -> bool:
    return subject.is_a("HorizontalPodAutoscaler", "ScaledObject") or subject.kind == "PlatformLayer"


def _quota(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    if settings["priorityClass"]:
        for pod in pods_of(subject):
            if pod.gpu_containers and not at(pod.spec, "priorityClassName"):
                yield "has no priorityClassName: a batch job could evict it"
    if settings["quota"]:
        quotas = world.of_kind("ResourceQuota", namespace=subject.namespace)
        if not any(f"requests.{_GPU}" in mapping(quota.properties, "spec", "hard") for quota in quotas):
            yield f"namespace {subject.namespace} has no ResourceQuota on requests.{_GPU}"


RULES = (
    Rule(
        number=3,
        id="gpu-amount",
        group=Group.GPU_SCHEDULING,
        reason="GPUs and EFA devices are whole, limited as requested, no more than a node has; else a pod waits.",
        severity=Severity.MANDATORY,
        remediation="Set limits equal to requests, in whole devices, within the instance type of the pool.",
        key="models.<name>.parallelism",
        applies=has_gpu_pods,
        check=_amounts,
        across=True,
        note="The comparison with a node needs a declared pool; a manifest alone has none.",
    ),
    Rule(
        number=4,
        id="parallelism",
        group=Group.GPU_SCHEDULING,
        reason="An engine that uses fewer GPUs than its pod holds wastes them; one that uses more does not start.",
        severity=Severity.MANDATORY,
        remediation="Make tensor x pipeline x local data parallelism equal to the pod's GPUs.",
        key="models.<name>.parallelism",
        applies=has_gpu_pods,
        check=_parallelism,
    ),
    Rule(
        number=5,
        id="gpu-placement",
        group=Group.GPU_SCHEDULING,
        reason="A GPU pod names its pool and tolerates its taint; other pods keep off GPU nodes.",
        severity=Severity.MANDATORY,
        remediation="Set nodeSelector and a toleration with operator Exists on GPU pods, and neither on others.",
        key="models.<name>.pool, gpuPools.<name>.nodeSelector",
        applies=has_pods,
        check=_placement,
        across=True,
    ),
    Rule(
        number=14,
        id="gpu-advertiser",
        group=Group.GPU_SCHEDULING,
        reason="Two advertisers of one GPU hand it out twice, and shared GPUs let one model crash another.",
        severity=Severity.MANDATORY,
        remediation="Keep one of device plugin, DRA driver and built-in plugin per node; share GPUs in development.",
        key="gpuPools.<name>.advertiser, devicePlugin.sharing",
        applies=_advertises,
        check=_advertiser,
        across=True,
        settings=setting_table(sharing=(False, "whether GPUs may be shared by time-slicing or MPS")),
        note="Tensor parallelism over shared GPUs is refused by the config itself.",
    ),
    Rule(
        number=23,
        id="autoscaling",
        group=Group.GPU_SCHEDULING,
        reason="A model that may grow past its pool, or by its CPU, does not grow when it has to.",
        severity=Severity.MANDATORY,
        remediation="Keep max replicas x GPUs within the pool, and scale on the engine's queue or KV cache.",
        key="models.<name>.replicas, gpuPools.<name>.maxSize",
        applies=_scales,
        check=_capacity,
    ),
    Rule(
        number=27,
        id="quota-and-priority",
        group=Group.GPU_SCHEDULING,
        reason="Without a quota one namespace takes every GPU; without a priority a batch job evicts a model.",
        severity=Severity.ADVISORY,
        remediation="Give the namespace a ResourceQuota on requests.nvidia.com/gpu and the pods a PriorityClass.",
        key="(none yet)",
        applies=has_gpu_pods,
        check=_quota,
        across=True,
        settings=setting_table(
            quota=(False, "whether the namespace of GPU pods needs a ResourceQuota in the stack"),
            priorityClass=(False, "whether GPU pods need a PriorityClass"),
        ),
        asked_by=("quota", "priorityClass"),
        note="The program builds neither yet: a platform team brings them.",
    ),
)
