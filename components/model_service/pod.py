"""The pod of a model server; pure."""

from collections.abc import Mapping
from typing import Any

from components import pods
from components.deadlines import GRACE_PERIOD, PRE_STOP, PROBE_PERIOD, Deadlines
from components.model_service.args import ModelServiceArgs
from engines import FILES_FOLDER, EngineContainer, ServingRequest
from naming import ModelNames, common_labels, model_selector
from settings.base import format_gib
from settings.disk import CACHES_BYTES, pod_disk_bytes, weights_volume_bytes

__all__ = ["CONTAINER", "PORT_NAME", "engine_container", "pod_labels", "pod_spec"]

CONTAINER = "modelserver"
"""Name of the engine's container, in every engine's pod."""

PORT_NAME = "http"

_GIB = 2**30
_MODEL_CACHE = "/model-cache"
_HOME = "/home/llm-d"

# NCCL passes tensors between the GPUs of a pod through shared memory; the container default of 64 MiB crashes it.
_SHM_OF_PARALLEL = 20 * _GIB
_SHM_OF_SINGLE = 2 * _GIB


def engine_container(args: ModelServiceArgs) -> EngineContainer:
    """The engine's part of the pod."""
    claim = args.weights.claim
    return args.engine.container(
        ServingRequest(
            model=args.weights.model if claim is None else f"{_MODEL_CACHE}/{args.weights.model}",
            served_name=args.served_name,
            port=args.engine.default_port,
            tensor_parallelism=args.tensor_parallelism,
            model_command=args.model_command,
            version=args.engine_version,
            extra_args=tuple(args.extra_args),
        )
    )


def pod_labels(args: ModelServiceArgs) -> dict[str, str]:
    """Labels of a model server's pod. The engine is told where the line's picker reads it; it is in no selector."""
    labels = {**common_labels(component=CONTAINER, instance=args.model), **model_selector(args.model)}
    labels[args.labels.inference_serving] = "true"
    if args.labels.engine_type is not None:
        labels[args.labels.engine_type] = args.engine.engine_type
    return labels


def pod_spec(args: ModelServiceArgs, engine: EngineContainer, times: Deadlines) -> dict[str, Any]:
    """The pod's spec."""
    spec: dict[str, Any] = {
        "serviceAccountName": ModelNames(model=args.model).service_account,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": GRACE_PERIOD,
        "securityContext": pods.pod_security(engine.run_as_user),
        **pods.pull_secrets(args.pull_secrets),
        "nodeSelector": dict(args.node_selector),
        "tolerations": [{"key": key, "operator": "Exists"} for key in sorted(args.taint_keys)],
        "topologySpreadConstraints": [
            _spread("topology.kubernetes.io/zone", args.model),
            _spread("kubernetes.io/hostname", args.model),
        ],
        "containers": [_container(args, engine, times)],
        "volumes": _volumes(args, engine),
    }
    if args.runtime_class is not None:
        spec["runtimeClassName"] = args.runtime_class
    return spec


def _container(args: ModelServiceArgs, engine: EngineContainer, times: Deadlines) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": args.image,
        "args": list(engine.args),
        "env": _env(args, engine),
        "ports": [{"name": PORT_NAME, "containerPort": args.engine.default_port, "protocol": "TCP"}],
        "resources": _resources(args),
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "volumeMounts": _mounts(args, engine),
        # The weights decide how long a start may take; until then neither of the other probes runs.
        "startupProbe": pods.http_probe(
            engine.probes.readiness, PORT_NAME, period=PROBE_PERIOD, timeout=5, failures=times.startup_failures
        ),
        # A server under full load answers late, and a restart would cost it every request and the weights' load.
        "livenessProbe": pods.http_probe(engine.probes.liveness, PORT_NAME, period=10, timeout=10, failures=6),
        "readinessProbe": pods.http_probe(engine.probes.readiness, PORT_NAME, period=5, timeout=5, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP}}},
    }
    if engine.command:
        container["command"] = list(engine.command)
    return container


def _env(args: ModelServiceArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    # A uid that the image does not know has no home and no name: caches would go to / and getpass would raise
    # (vllm#44548).
    values = {"HOME": _HOME, "USER": "llm-d", "XDG_CACHE_HOME": f"{_HOME}/.cache"}
    values |= {name: f"{_HOME}/.cache/{name.lower()}" for name in engine.cache_variables}
    if args.weights.claim is None:
        values["HF_HOME"] = _MODEL_CACHE
    values |= engine.env
    env: list[dict[str, Any]] = [{"name": name, "value": values[name]} for name in sorted(values)]
    if args.weights.token_secret is not None:
        env.append(pods.secret_env("HF_TOKEN", args.weights.token_secret, "HF_TOKEN"))
    return env


def _resources(args: ModelServiceArgs) -> dict[str, Any]:
    gpus = {args.gpu_resource: str(args.tensor_parallelism)}
    memory = f"{args.memory_bytes // 2**20}Mi"
    # No CPU limit: throttling an engine's scheduler thread idles its GPUs.
    return {
        "requests": {"cpu": args.cpu, "memory": memory, "ephemeral-storage": format_gib(_disk(args)), **gpus},
        "limits": {"memory": memory, **gpus},
    }


def _disk(args: ModelServiceArgs) -> int:
    return pod_disk_bytes(args.weights.size_bytes if args.weights.claim is None else None)


def _shared_memory(args: ModelServiceArgs) -> int:
    wanted = _SHM_OF_PARALLEL if args.tensor_parallelism > 1 else _SHM_OF_SINGLE
    # It counts as memory of the pod: more than half of it would leave too little for the engine.
    return min(wanted, args.memory_bytes // 2)


def _mounts(args: ModelServiceArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    weights: dict[str, Any] = {"name": "weights", "mountPath": _MODEL_CACHE}
    if args.weights.claim is not None:
        weights["readOnly"] = True
    mounts = [weights, {"name": "home", "mountPath": _HOME}, {"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    return [*mounts, {"name": "files", "mountPath": FILES_FOLDER, "readOnly": True}] if engine.files else mounts


def _volumes(args: ModelServiceArgs, engine: EngineContainer) -> list[dict[str, Any]]:
    if args.weights.claim is None:
        weights: dict[str, Any] = {"emptyDir": {"sizeLimit": format_gib(weights_volume_bytes(args.weights.size_bytes))}}
    else:
        weights = {"persistentVolumeClaim": {"claimName": args.weights.claim, "readOnly": True}}
    volumes: list[dict[str, Any]] = [
        {"name": "weights", **weights},
        {"name": "home", "emptyDir": {"sizeLimit": format_gib(CACHES_BYTES)}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{_shared_memory(args) // 2**20}Mi"}},
    ]
    files = {"name": "files", "configMap": {"name": ModelNames(model=args.model).server}}
    return [*volumes, files] if engine.files else volumes


def _spread(topology_key: str, model: str) -> dict[str, Any]:
    selector: Mapping[str, str] = model_selector(model)
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        # GPUs are scarce: a replica in the wrong zone serves, a pending one does not.
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }
