"""The objects of a ModelCache; pure."""

import json
from pathlib import Path
from typing import Any

from components import pods
from components.deadlines import prefetch_seconds
from components.model_cache.args import ModelCacheArgs
from components.model_cache.prefetch import TOO_LARGE
from components.model_service.weights import MODEL_CACHE
from naming import ModelNames, common_labels
from settings.base import format_gib

__all__ = ["build", "job_name"]

COMPONENT = "prefetch"

_SCRIPT = "prefetch.py"
_SCRIPTS = "/prefetch"
_HOME = "/home/llm-d"
# The engines', but any would do: huggingface_hub leaves files that everybody may read.
_UID = 2000
_HOME_BYTES = 4 * 2**30

# Each is a new connection that goes on where the last one ended; more would only wait out the time budget.
_RETRIES = 5


def build(args: ModelCacheArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    names = ModelNames(model=args.model)
    return {
        "claim": _object(args, "v1", "PersistentVolumeClaim", args.claim, spec=_claim(args)),
        "script": _object(args, "v1", "ConfigMap", names.prefetch, data=_script()),
        "account": _object(args, "v1", "ServiceAccount", names.prefetch, automountServiceAccountToken=False),
        "network": _object(
            args,
            "networking.k8s.io/v1",
            "NetworkPolicy",
            names.prefetch,
            # It fetches; nobody has a reason to reach it.
            spec={"podSelector": {"matchLabels": _labels(args)}, "policyTypes": ["Ingress"]},
        ),
        "": _object(args, "batch/v1", "Job", job_name(args), spec=_job(args)),
    }


def job_name(args: ModelCacheArgs) -> str:
    """Name of the Job: another one as soon as anything of it changes, for a Job's pod never does."""
    digest = pods.checksum({"job": json.dumps(_job(args), sort_keys=True)})[:8]
    return f"{ModelNames(model=args.model).prefetch}-{digest}"


def _object(args: ModelCacheArgs, api_version: str, kind: str, name: str, **rest: object) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": pods.metadata(name, args.namespace, _labels(args)),
        **rest,
    }


def _labels(args: ModelCacheArgs) -> dict[str, str]:
    return dict(common_labels(component=COMPONENT, instance=args.model))


def _claim(args: ModelCacheArgs) -> dict[str, Any]:
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": args.storage_class,
        "resources": {"requests": {"storage": format_gib(args.size_bytes)}},
    }


def _script() -> dict[str, str]:
    return {_SCRIPT: Path(__file__).with_name(_SCRIPT).read_text()}


def _job(args: ModelCacheArgs) -> dict[str, Any]:
    return {
        "activeDeadlineSeconds": prefetch_seconds(args.download_bytes),
        "backoffLimit": _RETRIES,
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": COMPONENT, "operator": "In", "values": [TOO_LARGE]},
                }
            ]
        },
        "template": {
            "metadata": {"labels": _labels(args), "annotations": {"checksum/script": pods.checksum(_script())}},
            "spec": _pod(args),
        },
    }


def _pod(args: ModelCacheArgs) -> dict[str, Any]:
    return {
        "serviceAccountName": ModelNames(model=args.model).prefetch,
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": pods.pod_security(_UID),
        **pods.pull_secrets(args.pull_secrets),
        "containers": [_container(args)],
        "volumes": [
            {"name": "weights", "persistentVolumeClaim": {"claimName": args.claim}},
            {"name": "script", "configMap": {"name": ModelNames(model=args.model).prefetch}},
            {"name": "home", "emptyDir": {"sizeLimit": format_gib(_HOME_BYTES)}},
        ],
    }


def _container(args: ModelCacheArgs) -> dict[str, Any]:
    values = {
        "HOME": _HOME,
        "HF_HUB_CACHE": MODEL_CACHE,
        # Chunks would be cached beside the files that they are put together to.
        "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
        "LIMIT_BYTES": str(args.size_bytes),
        "REPOSITORY": args.repository,
        "TMPDIR": _HOME,
        "USER": "llm-d",
    }
    if args.revision is not None:
        values["REVISION"] = args.revision
    env: list[dict[str, Any]] = [{"name": name, "value": values[name]} for name in sorted(values)]
    if args.token_secret is not None:
        env.append(pods.secret_env("HF_TOKEN", args.token_secret, "HF_TOKEN"))
    return {
        "name": COMPONENT,
        "image": args.image,
        "command": ["python3", f"{_SCRIPTS}/{_SCRIPT}"],
        "env": env,
        # Several files are downloaded at once, each in chunks that wait in memory for their turn.
        "resources": {
            "requests": {"cpu": "1", "memory": "2Gi", "ephemeral-storage": format_gib(_HOME_BYTES)},
            "limits": {"memory": "8Gi"},
        },
        "securityContext": {**pods.CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "weights", "mountPath": MODEL_CACHE},
            {"name": "script", "mountPath": _SCRIPTS, "readOnly": True},
            {"name": "home", "mountPath": _HOME},
        ],
    }
