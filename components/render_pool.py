"""RenderPool: what takes prompts apart for the picker of one model, with the model's own tokenizer and chat template.

It owns a Deployment of vLLM's renderer (`vllm launch render`: no weights, no GPU), whatever engine serves the model,
and the Service by which the picker finds it. A pool of its own, and no sidecar of the picker: it grows with the
requests, which the picker does not. It does not own the token Secret that it reads.

    RenderPool("qwen-render", RenderPoolArgs(...), ResourceOptions(providers=[provider]))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import pods
from components.objects import create_all, name_of
from naming import ModelNames, common_labels, service_host
from settings.base import format_gib

__all__ = ["RenderPool", "RenderPoolArgs", "build", "render_url"]

COMPONENT = "render"

_PORT = 8000
_PORT_NAME = "http"
_HOME = "/home/llm-d"
# Tokenizers are a few MB; vLLM's own caches are the rest.
_HOME_BYTES = 4 * 2**30
_UID = 2000

# The guide's: vLLM takes half a minute to start, and a tokenizer may have to be downloaded.
_PROBE_PERIOD = 10
_STARTUP_FAILURES = 60
_ROLLOUT_SECONDS = 2 * _PROBE_PERIOD * _STARTUP_FAILURES


@dataclass(frozen=True, kw_only=True)
class RenderPoolArgs:
    """One model's render servers."""

    namespace: str
    """Namespace of all objects."""
    model: str
    """Name of the model."""
    image: str
    """Image of vLLM's CPU build, mirror applied."""
    repository: str
    """`<org>/<model>` on Hugging Face, for its tokenizer and chat template."""
    revision: str | None
    """Commit, tag or branch of the repository."""
    served_name: str
    """The model that the picker asks for."""
    replicas: int
    """Pods."""
    cpu: str
    """CPU request of one."""
    memory_bytes: int
    """Memory request of one, bytes; the limit is three times as much."""
    client: Mapping[str, Any]
    """NetworkPolicy peer that may ask: the picker."""
    token_secret: str | None = None
    """Secret with the key HF_TOKEN, for gated models."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets."""


class RenderPool(pulumi.ComponentResource):
    """The render servers of one model."""

    service_name: pulumi.Output[str]
    """Name of the Service."""

    def __init__(self, name: str, args: RenderPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmd:index:RenderPool", name, summarize(args), opts)
        children = create_all(name, build(args), self, timeout_seconds=_ROLLOUT_SECONDS + 60)
        self.service_name = name_of(children["service"])
        self.register_outputs({"service_name": self.service_name})


def render_url(model: str, namespace: str) -> str:
    """URL of a model's render servers inside the cluster."""
    return f"http://{service_host(ModelNames(model=model).render, namespace)}:{_PORT}"


def summarize(args: RenderPoolArgs) -> dict[str, object]:
    """The plan of this component as plain data."""
    return {
        "model": args.model,
        "image": args.image,
        "repository": args.repository,
        "replicas": args.replicas,
        "namespace": args.namespace,
    }


def build(args: RenderPoolArgs) -> dict[str, dict[str, Any]]:
    """Every object, by the suffix of its logical name."""
    name = ModelNames(model=args.model).render
    ingress = [{"from": [dict(args.client)], "ports": [{"port": _PORT_NAME, "protocol": "TCP"}]}]
    port = {"name": _PORT_NAME, "port": _PORT, "targetPort": _PORT_NAME, "protocol": "TCP"}
    return {
        "": _object(args, "apps/v1", "Deployment", spec=_deployment(args)),
        "account": _object(args, "v1", "ServiceAccount", automountServiceAccountToken=False),
        "service": _object(
            args, "v1", "Service", spec={"type": "ClusterIP", "selector": _labels(args), "ports": [port]}
        ),
        "budget": pods.pod_disruption_budget(name, args.namespace, _labels(args), _labels(args)),
        "network": _object(
            args,
            "networking.k8s.io/v1",
            "NetworkPolicy",
            spec={"podSelector": {"matchLabels": _labels(args)}, "policyTypes": ["Ingress"], "ingress": ingress},
        ),
    }


def _labels(args: RenderPoolArgs) -> dict[str, str]:
    return dict(common_labels(component=COMPONENT, instance=args.model))


def _object(args: RenderPoolArgs, api_version: str, kind: str, **rest: object) -> dict[str, Any]:
    metadata = pods.metadata(ModelNames(model=args.model).render, args.namespace, _labels(args))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _deployment(args: RenderPoolArgs) -> dict[str, Any]:
    return {
        "replicas": args.replicas,
        "progressDeadlineSeconds": _ROLLOUT_SECONDS,
        "revisionHistoryLimit": 3,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": _labels(args)},
        "template": {
            "metadata": {"labels": _labels(args)},
            "spec": {
                "serviceAccountName": ModelNames(model=args.model).render,
                "automountServiceAccountToken": False,
                "securityContext": pods.pod_security(_UID),
                **pods.pull_secrets(args.pull_secrets),
                "topologySpreadConstraints": pods.spread_over_nodes(_labels(args)),
                "containers": [_container(args)],
                "volumes": [{"name": "home", "emptyDir": {"sizeLimit": format_gib(_HOME_BYTES)}}],
            },
        },
    }


def _container(args: RenderPoolArgs) -> dict[str, Any]:
    memory = args.memory_bytes // 2**20
    command = [args.repository, "--port", str(_PORT), "--served-model-name", args.served_name]
    # `vllm launch render` has the parser of `vllm serve` (vllm/entrypoints/cli/launch.py).
    command += [] if args.revision is None else ["--revision", args.revision]
    command.append("--disable-uvicorn-access-log")
    values = {
        "HF_HOME": f"{_HOME}/hf",
        "HOME": _HOME,
        "USER": "llm-d",
        "VLLM_CACHE_ROOT": f"{_HOME}/.cache/vllm",
        "VLLM_NO_USAGE_STATS": "1",
        "XDG_CACHE_HOME": f"{_HOME}/.cache",
    }
    env: list[dict[str, Any]] = [{"name": name, "value": values[name]} for name in sorted(values)]
    if args.token_secret is not None:
        env.append(pods.secret_env("HF_TOKEN", args.token_secret, "HF_TOKEN"))
    return {
        "name": COMPONENT,
        "image": args.image,
        "command": ["vllm", "launch", "render"],
        "args": command,
        "env": env,
        "ports": [{"name": _PORT_NAME, "containerPort": _PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": args.cpu, "memory": f"{memory}Mi", "ephemeral-storage": format_gib(_HOME_BYTES)},
            "limits": {"memory": f"{memory * 3}Mi"},
        },
        "securityContext": dict(pods.CONTAINER_SECURITY),
        "volumeMounts": [{"name": "home", "mountPath": _HOME}],
        "startupProbe": pods.http_probe(
            "/health", _PORT_NAME, period=_PROBE_PERIOD, timeout=5, failures=_STARTUP_FAILURES
        ),
        "livenessProbe": pods.http_probe("/health", _PORT_NAME, period=10, timeout=10, failures=6),
        "readinessProbe": pods.http_probe("/health", _PORT_NAME, period=5, timeout=5, failures=3),
    }
