"""A model that is up answers, stays up, and is watched; pure."""

import re
from collections.abc import Iterable, Iterator

from policy.checks.pods import (
    Container,
    Pod,
    bytes_of,
    count_of,
    flag,
    has_gpu_pods,
    is_model_server,
    is_picker,
    pods_of,
)
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import Subject, UnknownValueError, at, children, mapping, present
from policy.checks.world import SERVERS, World

__all__ = ["RULES"]

_GIB = 2**30
_ENGINE_OF_WORD = (("trtllm-serve", "trtllm"), ("sglang", "sglang"), ("vllm", "vllm"))
_BLOCK_SIZE = re.compile(r"\bblockSize:\s*(\d+)")
_EVENT_PORT = re.compile(r"\bzmqEndpoint:.*?:(\d+)\b")
_NUMBER_AT_END = re.compile(r"(?:^|:)(\d+)(?:$|(?=[\"']))")
_METRIC = re.compile(r"\b(vllm|sglang|trtllm)[:_]\w+")


def _serves(subject: Subject) -> bool:
    """Whether it runs model servers, pickers or proxies, which have to be there all the time."""
    return subject.is_a(*SERVERS)


def _probes(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    for pod in pods_of(subject):
        for container in [container for container in pod.containers if not container.is_init]:
            needed = ("startup", "readiness", "liveness") if container.gpus else ("readiness", "liveness")
            if pod.gpu_containers and not container.gpus:
                continue
            for probe in needed:
                if not present(container.spec, f"{probe}Probe"):
                    yield f"{container.name}: has no {probe}Probe"
            if container.gpus:
                yield from _engine_probes(container, settings, _weights(subject, world))


def _engine_probes(container: Container, settings: Settings, weights: int) -> Iterator[str]:
    timeout = at(container.spec, "livenessProbe", "timeoutSeconds") or 1
    if present(container.spec, "livenessProbe") and timeout < settings["livenessTimeoutSeconds"]:
        yield (
            f"{container.name}: liveness gives up after {timeout:g} s, before {settings['livenessTimeoutSeconds']:g}:"
            " a server under full load answers late, and a restart loads the weights again"
        )
    probe = mapping(container.spec, "startupProbe")
    if probe:
        budget = (probe.get("periodSeconds") or 10) * (probe.get("failureThreshold") or 3)
        least = max(settings["startupSeconds"], weights / _GIB * settings["startupSecondsPerGib"])
        if budget < least:
            size = f" for {weights / _GIB:.0f} GiB of weights" if weights else ""
            yield f"{container.name}: startup may take {budget:g} s, which is less than {least:.0f}{size}"


def _weights(subject: Subject, world: World) -> int:
    """Size of the weights that a Deployment loads, bytes, as the plan states it; 0 where there is no plan."""
    model = world.models.get((subject.namespace, at(subject.properties, "metadata", "name")))
    return int(at(model.properties, "weightsBytes") or 0) if model else 0


def _resources(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    for pod in pods_of(subject):
        for container in [container for container in pod.containers if not container.is_init]:
            requests, limits = container.amounts("requests"), container.amounts("limits")
            missing = [name for name in ("cpu", "memory") if name not in requests]
            if missing:
                yield f"{container.name}: requests no {' and no '.join(missing)}: the node may be full when it starts"
            limit, request = bytes_of(limits.get("memory")), bytes_of(requests.get("memory"))
            if limit is not None and request is not None and limit < request:
                yield f"{container.name}: memory limit {limits['memory']} is below its request {requests['memory']}"
        yield from _shared_memory(pod)


def _shared_memory(pod: Pod) -> Iterator[str]:
    volumes = {str(at(volume, "name")): volume for volume in children(pod.spec, "volumes")}
    for container in pod.gpu_containers:
        if sum(count_of(amount) or 0 for amount in container.gpus.values()) < 2:  # noqa: PLR2004 - more than one GPU
            continue
        mounts = {at(mount, "mountPath"): at(mount, "name") for mount in children(container.spec, "volumeMounts")}
        volume = volumes.get(str(mounts.get("/dev/shm")))  # noqa: S108 - a mount path
        if at(volume, "emptyDir", "medium") != "Memory" or not at(volume, "emptyDir", "sizeLimit"):
            yield f"{container.name}: /dev/shm is no sized memory volume; NCCL needs more than the default of 64 MiB"


def _availability(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    replicas = _replicas(subject, world)
    for pod in pods_of(subject):
        if is_picker(pod):
            if replicas < settings["pickerReplicas"] and not _fails_open(pod, subject, world):
                yield f"has {replicas} picker and fails closed: while it restarts nothing is answered"
        else:
            least = settings["modelReplicas"] if is_model_server(pod) else settings["gatewayReplicas"]
            if replicas < least:
                yield f"has {replicas} replica{'' if replicas == 1 else 's'}, the environment asks for {least:g}"
            if replicas > 1 and not (children(pod.spec, "topologySpreadConstraints") or at(pod.spec, "affinity")):
                yield "has several replicas and nothing that spreads them: one node takes all of them down"
        if not world.selecting("PodDisruptionBudget", subject.namespace, pod.labels):
            yield "has no PodDisruptionBudget: a node upgrade may evict all its pods at once"


def _replicas(subject: Subject, world: World) -> int:
    """Pods that are always there: of an autoscaled workload, which states none, the autoscaler's least."""
    stated = at(subject.properties, "spec", "replicas")
    scaler = world.scalers.get((subject.namespace, at(subject.properties, "metadata", "name")))
    if stated is None and scaler is not None:
        key = "minReplicas" if scaler.kind == "HorizontalPodAutoscaler" else "minReplicaCount"
        stated = at(scaler.properties, "spec", key)
    return count_of(stated if stated is not None else 1) or 0


def _fails_open(pod: Pod, subject: Subject, world: World) -> bool:
    names = [flag(container, "--pool-name") for container in pod.containers]
    pools = [world.named("InferencePool", subject.namespace, name) for name in names if name]
    specs = [at(pool.properties, "spec") for pool in pools if pool]
    modes = [at(spec, key, "failureMode") for spec in specs for key in ("endpointPickerRef", "extensionRef")]
    return "FailOpen" in modes


def _volumes(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    replicas = count_of(at(subject.properties, "spec", "replicas") or 1) or 0
    rolling = at(subject.properties, "spec", "strategy", "rollingUpdate")
    surges = at(subject.properties, "spec", "strategy", "type") != "Recreate" and at(rolling, "maxSurge") not in (
        0,
        "0%",
    )
    for pod in pods_of(subject):
        for volume in children(pod.spec, "volumes"):
            claim = at(volume, "persistentVolumeClaim", "claimName")
            modes = _access_modes(claim, subject.namespace, world)
            if claim and modes and not {"ReadWriteMany", "ReadOnlyMany"} & set(modes):
                if replicas > 1:
                    yield f"mounts claim {claim} in {replicas} pods, but it is {', '.join(modes)}: one node can have it"
                elif surges:
                    yield f"mounts claim {claim}, which is {', '.join(modes)}, and surges: a rollout waits for itself"


def _mounts_claims(subject: Subject) -> bool:
    """Whether its pods share claims; a StatefulSet's own are one for each pod."""
    try:
        volumes = [volume for pod in pods_of(subject) for volume in children(pod.spec, "volumes")]
    except UnknownValueError:
        return True
    return subject.is_a("Deployment") and any(present(volume, "persistentVolumeClaim") for volume in volumes)


def _access_modes(claim: object, namespace: str, world: World) -> list[str]:
    found = world.named("PersistentVolumeClaim", namespace, claim)
    return [str(mode) for mode in children(found.properties, "spec", "accessModes")] if found else []


def _runs_picker(subject: Subject) -> bool:
    try:
        return any(is_picker(pod) for pod in pods_of(subject))
    except UnknownValueError:
        return True


def _agreement(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    """A picker that reads the wrong names sees servers without load, and sends everything to one of them."""
    for picker in pods_of(subject):
        for container in picker.containers:
            pool_name = flag(container, "--pool-name")
            pool = world.named("InferencePool", subject.namespace, pool_name)
            if pool is None:
                continue
            servers = _servers(pool, world)
            config = _config(picker, subject, world)
            yield from _metrics(container, servers, config)
            yield from _precise_prefix(servers, config)
            yield from _ports(pool, servers)
            yield from _same(servers, "served model names", "--served-model-name")
            yield from _same(servers, "block sizes", "--block-size", "--page-size")


def _servers(pool: Subject, world: World) -> list[tuple[Subject, Pod]]:
    return world.selected(pool.namespace, at(pool.properties, "spec", "selector"))


def _engine(pod: Pod) -> str | None:
    words = " ".join(word for container in pod.gpu_containers for word in container.command_line[:4])
    return next((engine for word, engine in _ENGINE_OF_WORD if word in words), None)


def _metrics(container: Container, servers: list[tuple[Subject, Pod]], config: str) -> Iterator[str]:
    read = {match[1] for word in container.command_line for match in [_METRIC.search(word)] if match and "=" in word}
    if not read:
        read = {match[1] for match in _METRIC.finditer(config)}
    for workload, pod in servers:
        engine = _engine(pod)
        if engine and read and engine not in read:
            yield f"reads metrics of {', '.join(sorted(read))}, but {workload.name} runs {engine}"


def _precise_prefix(servers: list[tuple[Subject, Pod]], config: str) -> Iterator[str]:
    """A picker that follows the engines' cache events counts blocks as they do, and hears where they speak."""
    if "precise-prefix-cache" not in config:
        # Other scorers have a blockSize of their own, which counts characters.
        return
    for key, what, flags in (
        (_BLOCK_SIZE, "blocks of", ("--block-size", "--page-size")),
        (_EVENT_PORT, "cache events on port", ("--kv-events-config",)),
    ):
        expected = {match[1] for match in key.finditer(config)}
        for workload, pod in servers:
            said = [flag(container, *flags) or "" for container in pod.gpu_containers]
            found = {match[1] for text in said for match in [_NUMBER_AT_END.search(text)] if match}
            if expected and found and not found <= expected:
                yield f"expects {what} {_list(expected)}, but {workload.name} has {_list(found)}"


def _config(picker: Pod, subject: Subject, world: World) -> str:
    names = [at(volume, "configMap", "name") for volume in children(picker.spec, "volumes")]
    maps = [world.named("ConfigMap", subject.namespace, name) for name in names if name]
    return "\n".join(str(text) for item in maps if item for text in mapping(item.properties, "data").values())


def _ports(pool: Subject, servers: list[tuple[Subject, Pod]]) -> Iterator[str]:
    spec = at(pool.properties, "spec")
    targets = {at(port, "number") for port in children(spec, "targetPorts")} or {at(spec, "targetPortNumber")}
    for workload, pod in servers:
        open_ports = {at(port, "containerPort") for c in pod.containers for port in children(c.spec, "ports")}
        if not targets <= open_ports:
            yield f"its pool sends to port {_list(targets)}, but {workload.name} listens on {_list(open_ports)}"


def _same(servers: list[tuple[Subject, Pod]], what: str, *flags: str) -> Iterator[str]:
    said = {flag(container, *flags) for _, pod in servers for container in pod.gpu_containers} - {None}
    if len(said) > 1:
        yield f"the servers of its pool have different {what}: {_list(said)}"


def _list(values: Iterable[object]) -> str:
    return ", ".join(sorted(f"{value:g}" if isinstance(value, float) else str(value) for value in values)) or "none"


def _observability(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    for pod in pods_of(subject):
        pod_monitors = [
            world.selecting(kind, subject.namespace, pod.labels) for kind in ("PodMonitor", "PodMonitoring")
        ]
        if not any(pod_monitors) and not _service_monitored(subject, pod, world):
            yield "nothing scrapes its metrics"


def _service_monitored(subject: Subject, pod: Pod, world: World) -> bool:
    for service in world.selecting("Service", subject.namespace, pod.labels):
        labels = mapping(service.properties, "metadata", "labels")
        if world.selecting("ServiceMonitor", subject.namespace, labels):
            return True
    return False


def _is_watched(subject: Subject) -> bool:
    return _serves(subject) and (has_gpu_pods(subject) or _runs_picker(subject))


RULES = (
    Rule(
        number=6,
        id="probes",
        group=Group.SERVING,
        reason="Without probes requests go to a server that still loads; with hasty ones it is killed while it loads.",
        severity=Severity.MANDATORY,
        remediation="Give the engine all three probes, startup time by the size of its weights, a patient liveness.",
        key="models.<name>.weights",
        applies=_serves,
        check=_probes,
        across=True,
        settings=setting_table(
            startupSeconds=(300, "least startup budget of an engine, seconds"),
            startupSecondsPerGib=(10, "startup budget per GiB of weights, seconds, where the plan knows their size"),
            livenessTimeoutSeconds=(5, "least timeout of an engine's liveness probe, seconds"),
        ),
    ),
    Rule(
        number=7,
        id="resources",
        group=Group.SERVING,
        reason="A pod without requests is placed where there is no room; NCCL without shared memory crashes.",
        severity=Severity.MANDATORY,
        remediation="Set cpu and memory requests, a memory limit no lower, and a sized memory volume at /dev/shm.",
        key="models.<name>.resources",
        applies=_serves,
        check=_resources,
    ),
    Rule(
        number=21,
        id="availability",
        group=Group.SERVING,
        reason="One pod, or several on one node, is an outage at the next node upgrade.",
        severity=Severity.ADVISORY,
        remediation="Raise replicas or let the pool fail open, spread the pods, give them a PodDisruptionBudget.",
        key="models.<name>.replicas, models.<name>.picker.failureMode, gateway.replicas",
        applies=_serves,
        check=_availability,
        across=True,
        settings=setting_table(
            modelReplicas=(1, "least replicas of a model"),
            gatewayReplicas=(1, "least replicas of a gateway"),
            pickerReplicas=(1, "least pickers of a pool that fails closed"),
        ),
    ),
    Rule(
        number=22,
        id="volume-access",
        group=Group.SERVING,
        reason="A claim that one node can mount leaves the second replica, or the next rollout, Pending for ever.",
        severity=Severity.ADVISORY,
        remediation="Use a claim that is ReadWriteMany or ReadOnlyMany, or one replica with maxSurge 0.",
        key="models.<name>.source, models.<name>.replicas",
        applies=_mounts_claims,
        check=_volumes,
        across=True,
        note="A claim that the stack does not create is not seen.",
    ),
    Rule(
        number=24,
        id="picker-agreement",
        group=Group.SERVING,
        reason="A picker that reads another engine's metrics sees no load, and sends every request to one server.",
        severity=Severity.MANDATORY,
        remediation="Give the picker the metric map, ports and block size of the engine that its pool selects.",
        key="engine, models.<name>.engine",
        applies=_runs_picker,
        check=_agreement,
        across=True,
    ),
    Rule(
        number=30,
        id="observability",
        group=Group.SERVING,
        reason="What nobody scrapes nobody sees: queues grow until users call.",
        severity=Severity.ADVISORY,
        remediation="Set monitoring to the operator of the cluster.",
        key="monitoring",
        applies=_is_watched,
        check=_observability,
        across=True,
        settings=setting_table(monitors=(False, "whether servers and pickers need a monitor in the stack")),
        asked_by=("monitors",),
        note="The GPU exporter and alerts are the platform team's: the program builds neither.",
    ),
)
