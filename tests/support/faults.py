"""The faults that upstream shipped, each as a change of what a stack rendered.

Every object stays valid and every pod Ready: only who sends requests, or reads what the picker reads, finds them.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from components.endpoint_picker import build as build_picker
from components.model_service.objects import build as build_servers
from naming import GATEWAY, ModelNames
from stacks.plan import StackPlan

__all__ = [
    "missing_engine_label",
    "no_decider",
    "one_selector",
    "other_engines_connector",
    "other_engines_metrics",
    "other_engines_path",
    "other_engines_plugins",
    "picker_of_another_model",
    "plain_path",
]

Case = dict[str, Any]


def _patch(plan: StackPlan, api: str, kind: str, name: str, **merge: object) -> dict[str, Any]:
    return {"path": f"{api}/namespaces/{plan.namespace}/{kind}/{name}", "merge": merge}


def _with_args(plan: StackPlan, model: str, **flags: str) -> dict[str, Any]:
    """The picker's Deployment with other values of some flags."""
    container = build_picker(plan.models[model].picker)[""]["spec"]["template"]["spec"]["containers"][0]
    names = {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
    args = [
        f"{name}={names[name]}" if (name := argument.partition("=")[0]) in names else argument
        for argument in container["args"]
    ]
    assert args != container["args"]
    template = {"spec": {"containers": [container | {"args": args}]}}
    return _patch(plan, "/apis/apps/v1", "deployments", ModelNames(model=model).picker, spec={"template": template})


def other_engines_metrics(plan: StackPlan, model: str) -> Case:
    """The picker reads vLLM's names from another engine, as SGLang's first baseline did (llm-d#2012)."""
    flags = {
        "total_queued_requests_metric": "vllm:num_requests_waiting",
        "kv_cache_usage_percentage_metric": "vllm:kv_cache_usage_perc",
    }
    checks = ["at rest", "load figures"]
    return {"name": "metric map", "checks": checks, "patches": [_with_args(plan, model, **flags)]}


def other_engines_path(plan: StackPlan, model: str) -> Case:
    """The picker scrapes where TensorRT-LLM tells its metrics."""
    patch = _with_args(plan, model, model_server_metrics_path="/prometheus/metrics")
    return {"name": "metrics path", "checks": ["at rest", "load figures"], "patches": [patch]}


def picker_of_another_model(plan: StackPlan, model: str, other: str) -> Case:
    """The gateway's route of a model asks another model's picker."""
    (config,) = [item for item in plan.provider.gateway(plan.gateway).values() if item["kind"] == "ConfigMap"]
    text = config["data"]["envoy.yaml"]
    changed = text.replace(f"address: {ModelNames(model=model).picker}.", f"address: {ModelNames(model=other).picker}.")
    assert changed != text
    patch = _patch(plan, "/api/v1", "configmaps", GATEWAY, data={"envoy.yaml": changed})
    return {"name": "route", "checks": ["at rest", "answers"], "patches": [patch]}


def one_selector(plan: StackPlan, model: str, other: str) -> Case:
    """Two pools select the same pods, as in upstream's guides for several models (llm-d#545)."""
    pool = build_picker(plan.models[other].picker)["pool"]
    api = f"/apis/{pool['apiVersion']}"
    patch = _patch(
        plan, api, "inferencepools", ModelNames(model=model).pool, spec={"selector": pool["spec"]["selector"]}
    )
    return {"name": "selector", "checks": ["at rest"], "patches": [patch]}


def missing_engine_label(plan: StackPlan, model: str) -> Case:
    """The pods do not say which engine they run (llm-d#2025)."""
    key = plan.release.labels.engine_type
    assert key in build_servers(plan.models[model].service)[""]["spec"]["template"]["metadata"]["labels"]
    template = {"metadata": {"labels": {key: None}}}
    patch = _patch(plan, "/apis/apps/v1", "deployments", ModelNames(model=model).server, spec={"template": template})
    return {"name": "engine label", "checks": ["at rest"], "patches": [patch]}


def other_engines_plugins(plan: StackPlan, model: str) -> Case:
    """As `other_engines_metrics`, where a line says the metric map in the picker's config."""
    config, parameters = _plugin(plan, model, plan.release.picker.metrics_extractor_plugin)
    for engine in parameters["engineConfigs"]:
        engine |= {"queuedRequestsSpec": "vllm:num_requests_waiting", "kvUsageSpec": "vllm:kv_cache_usage_perc"}
    return _with_config(plan, model, "plugins", config)


def plain_path(plan: StackPlan, model: str) -> Case:
    """The picker scrapes plain /metrics, where trtllm-serve has JSON: upstream's own overlay as it was shipped."""
    config, parameters = _plugin(plan, model, plan.release.picker.metrics_source_plugin)
    parameters["path"] = "/metrics"
    return _with_config(plan, model, "plain path", config)


def other_engines_connector(plan: StackPlan, model: str, connector: str) -> Case:
    """The routing sidecars speak another engine's protocol: each role then computes the whole prompt."""
    args = plan.models[model].service
    assert args.sidecar is not None
    flag = f"--{args.sidecar.dialect.connector_flag}="
    (sidecar,) = build_servers(args)[""]["spec"]["template"]["spec"]["initContainers"]
    changed = [f"{flag}{connector}" if item.startswith(flag) else item for item in sidecar["args"]]
    assert changed != sidecar["args"]
    template = {"spec": {"initContainers": [sidecar | {"args": changed}]}}
    patch = _patch(plan, "/apis/apps/v1", "deployments", ModelNames(model=model).server, spec={"template": template})
    return {"name": "connector", "checks": ["prefill/decode"], "patches": [patch]}


def no_decider(plan: StackPlan, model: str) -> Case:
    """The picker's handler has nothing to decide by, and sends every request to decode alone."""
    config, parameters = _plugin(plan, model, "disagg-profile-handler")
    parameters.clear()
    return _with_config(plan, model, "decider", config, ["prefill/decode"])


def _plugin(plan: StackPlan, model: str, kind: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A picker's config, and in it the parameters of one plugin."""
    config = yaml.safe_load(build_picker(plan.models[model].picker)["config"]["data"]["plugins.yaml"])
    (plugin,) = [item for item in config["plugins"] if item["type"] == kind]
    return config, plugin.setdefault("parameters", {})


def _with_config(
    plan: StackPlan, model: str, name: str, config: dict[str, Any], checks: Sequence[str] = ("at rest", "load figures")
) -> Case:
    data = {"plugins.yaml": yaml.safe_dump(config)}
    patch = _patch(plan, "/api/v1", "configmaps", ModelNames(model=model).picker, data=data)
    return {"name": name, "checks": list(checks), "patches": [patch]}
