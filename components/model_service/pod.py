"""The pod of a model server; pure."""

from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD, PRE_STOP, PROBE_PERIOD, Deadlines
from components.model_service import adapters, sidecar, weights
from components.model_service.args import ModelServiceArgs, RoleArgs, RoutingSidecar
from engines import FILES_FOLDER, EngineContainer, KvTransfer, Role, ServingRequest
from naming import ModelNames, common_labels, model_selector
from settings.base import format_gib
from settings.disk import CACHES_BYTES, pod_disk_bytes

__all__ = ["CONTAINER", "EVENTS_PORT_NAME", "PORT_NAME", "engine_container", "engine_port", "pod_labels", "pod_spec"]

CONTAINER = "modelserver"
"""Name of the engine's container, in every engine's pod."""

PORT_NAME = "http"
"""The port that the pool sends requests to."""

EVENTS_PORT_NAME = "kv-events"
"""The port that a server publishes its cache on."""

_ENGINE_PORT_NAME = "engine"

_GIB = 2**30
_HOME = "/home/llm-d"

# NCCL passes tensors between the GPUs of a pod through shared memory; the container default of 64 MiB crashes it.
_SHM_OF_PARALLEL = 20 * _GIB
_SHM_OF_SINGLE = 2 * _GIB


def engine_port(args: ModelServiceArgs, role: RoleArgs) -> int:
    """Port of the engine: the pool's, or the one behind the sidecar that has it."""
    proxy = _sidecar(args, role)
    return args.engine.default_port if proxy is None else proxy.dialect.engine_port


def _sidecar(args: ModelServiceArgs, role: RoleArgs) -> RoutingSidecar | None:
    return args.sidecar if role.role is Role.DECODE else None


def engine_container(args: ModelServiceArgs, role: RoleArgs) -> EngineContainer:
    """The engine's part of the pod."""
    return args.engine.container(
        ServingRequest(
            model=weights.model_argument(args.weights),
            revision=args.weights.revision,
            streams=args.weights.object_storage is not None,
            served_name=args.served_name,
            port=engine_port(args, role),
            tensor_parallelism=role.tensor_parallelism,
            model_command=args.model_command,
            version=args.engine_version,
            role=role.role,
            copies=role.copies,
            copies_per_pod=role.copies_per_pod,
            pods_per_replica=role.pods_per_replica,
            expert_parallelism=role.expert_parallelism,
            event_block_tokens=None if args.events is None else args.events.block_tokens,
            adapters=adapters.loaded(args.adapters, args.weights),
            libfabric=role.libfabric,
            cpu_tier_bytes=args.cpu_tier_bytes,
            extra_args=tuple(role.extra_args),
        )
    )


def pod_labels(args: ModelServiceArgs, role: RoleArgs) -> dict[str, str]:
    """Labels of a model server's pod. The engine is told where the line's picker reads it; it is in no selector."""
    labels = {**common_labels(component=CONTAINER, instance=args.model), **model_selector(args.model, role.label)}
    labels[args.labels.inference_serving] = "true"
    if args.labels.engine_type is not None:
        labels[args.labels.engine_type] = args.engine.engine_type
    return labels


def pod_spec(args: ModelServiceArgs, role: RoleArgs, times: Deadlines) -> dict[str, Any]:
    """The pod's spec."""
    engine = engine_container(args, role)
    selector = model_selector(args.model, role.label)
    spec: dict[str, Any] = {
        "serviceAccountName": ModelNames(model=args.model).service_account,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": GRACE_PERIOD,
        "securityContext": pods.pod_security(engine.run_as_user),
        **pods.pull_secrets(args.pull_secrets),
        "nodeSelector": dict(role.node_selector),
        "tolerations": [{"key": key, "operator": "Exists"} for key in sorted(role.taint_keys)],
        "topologySpreadConstraints": [
            # GPUs are scarce: a replica in the wrong zone serves, a pending one does not.
            pods.spread("topology.kubernetes.io/zone", selector),
            *pods.spread_over_nodes(selector),
        ],
        **_init_containers(args, role),
        "containers": [_container(args, role, engine, times)],
        "volumes": _volumes(args, role, engine),
    }
    if args.runtime_class is not None:
        spec["runtimeClassName"] = args.runtime_class
    return spec


def _init_containers(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    """`initContainers`, absent where there are none."""
    transfer, proxy = args.engine.kv_transfer, _sidecar(args, role)
    if proxy is None or not isinstance(transfer, KvTransfer):
        return {}
    return {"initContainers": [sidecar.container(proxy, transfer, port=args.engine.default_port, port_name=PORT_NAME)]}


def _ports(args: ModelServiceArgs, role: RoleArgs) -> list[dict[str, Any]]:
    """The engine's own port first."""
    transfer = args.engine.kv_transfer
    named = {PORT_NAME if _sidecar(args, role) is None else _ENGINE_PORT_NAME: engine_port(args, role)}
    if role.role is Role.PREFILL and isinstance(transfer, KvTransfer):
        named[transfer.port_name] = transfer.port
    if args.events is not None:
        named[EVENTS_PORT_NAME] = args.events.port
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in named.items()]


def _container(args: ModelServiceArgs, role: RoleArgs, engine: EngineContainer, times: Deadlines) -> dict[str, Any]:
    ports = _ports(args, role)
    port = ports[0]["name"]
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": args.image,
        "args": list(engine.args),
        "env": _env(args, role, engine),
        "ports": ports,
        "resources": _resources(args, role),
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "volumeMounts": _mounts(args, engine),
        # The weights decide how long a start may take; until then neither of the other probes runs.
        "startupProbe": pods.http_probe(
            engine.probes.readiness, port, period=PROBE_PERIOD, timeout=5, failures=times.startup_failures
        ),
        # A server under full load answers late, and a restart would cost it every request and the weights' load.
        "livenessProbe": pods.http_probe(engine.probes.liveness, port, period=10, timeout=10, failures=6),
        "readinessProbe": pods.http_probe(engine.probes.readiness, port, period=5, timeout=5, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP}}},
    }
    if engine.command:
        container["command"] = list(engine.command)
    return container


def _env(args: ModelServiceArgs, role: RoleArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    # A uid that the image does not know has no home and no name: caches would go to / and getpass would raise
    # (vllm#44548).
    values = {"HOME": _HOME, "USER": "llm-d", "XDG_CACHE_HOME": f"{_HOME}/.cache"}
    values |= {name: f"{_HOME}/.cache/{name.lower()}" for name in engine.cache_variables}
    if role.libfabric:
        # Without EFA's provider libfabric would take another one, TCP at last, and say nothing.
        values["FI_PROVIDER"] = "efa"
    values |= {**weights.environment(args.weights), **engine.env}
    env: list[dict[str, Any]] = [{"name": name, "value": values[name]} for name in sorted(values)]
    env += [pods.field_env(name, field) for name, field in sorted(engine.field_env.items())]
    return [*env, *weights.secrets(args.weights)]


def _resources(args: ModelServiceArgs, role: RoleArgs) -> dict[str, Any]:
    devices = {role.gpu_resource: str(role.gpus_per_pod)}
    if role.fabric_devices is not None:
        name, amount = role.fabric_devices
        devices[name] = str(amount)
    memory = f"{role.memory_bytes // 2**20}Mi"
    # No CPU limit: throttling an engine's scheduler thread idles its GPUs.
    return {
        "requests": {"cpu": role.cpu, "memory": memory, "ephemeral-storage": format_gib(_disk(args)), **devices},
        "limits": {"memory": memory, **devices},
    }


def _disk(args: ModelServiceArgs) -> int:
    return pod_disk_bytes(args.weights.size_bytes if args.weights.downloads else None)


def _shared_memory(role: RoleArgs) -> int:
    wanted = _SHM_OF_PARALLEL if role.gpus_per_pod > 1 else _SHM_OF_SINGLE
    # It counts as memory of the pod: more than half of it would leave too little for the engine.
    return min(wanted, role.memory_bytes // 2)


def _mounts(args: ModelServiceArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    mounts = [{"name": "home", "mountPath": _HOME}, {"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    mounts = [*weights.mounts(args.weights), *adapters.mounts(args.adapters, args.weights), *mounts]
    return [*mounts, {"name": "files", "mountPath": FILES_FOLDER, "readOnly": True}] if engine.files else mounts


def _volumes(args: ModelServiceArgs, role: RoleArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        *weights.volumes(args.weights),
        *adapters.volumes(args.adapters, args.weights),
        {"name": "home", "emptyDir": {"sizeLimit": format_gib(CACHES_BYTES)}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{_shared_memory(role) // 2**20}Mi"}},
    ]
    files = {"name": "files", "configMap": {"name": ModelNames(model=args.model).server}}
    return [*volumes, files] if engine.files else volumes
