"""Whether what must agree does: pool and pods, pool and picker, route and pool, picker and engine.

Upstream shipped each of these wrong once, and every object was Ready all the same (llm-d#545, #509, #2012, #2025).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from naming import GATEWAY, MODEL_LABEL, ModelNames
from operate.verify.objects import StackObjects
from operate.verify.rows import Row, failed, passed

__all__ = ["check_labels", "check_pools", "check_routes"]

_CONDITIONS = ("Accepted", "ResolvedRefs")


def check_pools(objects: StackObjects) -> Iterator[Row]:
    """Each pool selects its own model's pods and no others, and its picker's Service is there."""
    for model in sorted(objects.plan.models):
        pool = objects.pool(model)
        if pool is None:
            hint = "`pulumi up --refresh` puts back what is gone"
            yield failed("pool", model, f"there is no InferencePool {ModelNames(model=model).pool}", hint)
            continue
        yield _selection(objects, model, pool)
        yield _picker_service(objects, model, pool)
        if statuses := pool.get("status", {}).get("parents", []):
            yield _accepted("pool accepted", model, statuses)


def _selection(objects: StackObjects, model: str, pool: Mapping[str, Any]) -> Row:
    selected = {pod["metadata"]["name"]: pod for pod in objects.ready_pods(pool["spec"]["selector"]["matchLabels"])}
    own = {pod["metadata"]["name"] for pod in objects.servers(model)}
    strangers = {str(pod["metadata"]["labels"].get(MODEL_LABEL)) for name, pod in selected.items() if name not in own}
    missing = len(own - set(selected))
    if strangers:
        fault = f"its pool selects pods of {', '.join(sorted(strangers))}: two pools with one selector"
        return failed("pool", model, fault, "each pool's selector must carry its own model's label")
    if missing:
        fault = f"its pool selects {len(selected)} of {len(own)} ready model servers"
        return failed("pool", model, fault, "the pool's selector and the labels of the pods must be the same")
    return passed("pool", model, f"selects {len(selected)} ready pods, all of {model}")


def _picker_service(objects: StackObjects, model: str, pool: Mapping[str, Any]) -> Row:
    reference = pool["spec"]["endpointPickerRef"]
    port = reference.get("port", {}).get("number")
    service = objects.service(reference["name"])
    ports = [item["port"] for item in service["spec"]["ports"]] if service else []
    ready = objects.ready_pods(service["spec"]["selector"]) if service else []
    if service is None or port not in ports:
        fault = f"its pool names picker {reference['name']}:{port}, and there is no such Service and port"
        return failed("pool picker", model, fault, "endpointPickerRef names the Service of the picker's Deployment")
    if not ready:
        fault = f"Service {reference['name']} has no ready picker"
        return failed(
            "pool picker", model, fault, f"`kubectl -n {objects.plan.namespace} logs deploy/{reference['name']}`"
        )
    return passed("pool picker", model, f"{reference['name']}:{port}, {reference.get('failureMode', 'FailClose')}")


def _accepted(check: str, model: str, parents: list[Mapping[str, Any]]) -> Row:
    """What the gateway's controller says of an object."""
    faults = [
        f"{condition['type']} {condition['status']}: {condition.get('message', condition.get('reason', ''))}"
        for parent in parents
        for condition in parent.get("conditions", [])
        if condition["type"] in _CONDITIONS and condition["status"] != "True"
    ]
    if faults:
        return failed(check, model, "; ".join(faults), "the gateway's controller refuses it, for the reason it gives")
    return passed(check, model, f"by {len(parents)} parents")


def check_routes(objects: StackObjects) -> Iterator[Row]:
    """Each model's route leads to its own pool, and so to its own picker."""
    of_objects = {model: objects.route(model) for model in objects.plan.models}
    config = objects.config_map(GATEWAY)
    envoy = yaml.safe_load(config["data"].get("envoy.yaml", "{}")) if config else {}
    for model, route in sorted(of_objects.items()):
        if route is not None:
            yield _http_route(objects, model, route)
        elif envoy:
            yield _envoy_route(objects, model, envoy)
        else:
            yield failed("route", model, "there is neither an HTTPRoute nor an Envoy config", "`pulumi up --refresh`")


def _http_route(objects: StackObjects, model: str, route: Mapping[str, Any]) -> Row:
    group, shares = objects.plan.release.pool_api_group, objects.model(model).route.shares
    wanted = sorted((group, "InferencePool", ModelNames(model=share.model).pool) for share in shares)
    # One rule is by path, another by the model's name: both lead to the one pool.
    backends = sorted(
        {
            (item.get("group", ""), item.get("kind", "Service"), item["name"])
            for rule in route["spec"]["rules"]
            for item in rule.get("backendRefs", [])
        }
    )
    if backends != wanted:
        fault = f"its route leads to {backends}, and its pool is {', '.join(map(str, wanted))}: pool and route disagree"
        return failed("route", model, fault, "backendRefs carry the pool's own group, kind and name")
    parents = route.get("status", {}).get("parents", [])
    return (
        _accepted("route", model, parents)
        if parents
        else passed("route", model, f"to pool {', '.join(pool for *_, pool in wanted)}")
    )


def _envoy_route(objects: StackObjects, model: str, envoy: Mapping[str, Any]) -> Row:
    hosts = _picker_hosts(envoy, model)
    references = []
    for number, share in enumerate(objects.model(model).route.shares):
        pool = objects.pool(share.model)
        reference = pool["spec"]["endpointPickerRef"]["name"] if pool else None
        host = hosts[number] if number < len(hosts) else None
        if host is None or not host.startswith(f"{reference}.{objects.plan.namespace}.svc."):
            fault = f"its route asks picker {host}, and its pool's is {reference}: pool and route disagree"
            return failed("route", model, fault, "route and pool must name the same picker")
        references.append(str(reference))
    return passed("route", model, f"asks picker {', '.join(references)}")


def _picker_hosts(envoy: Mapping[str, Any], model: str) -> list[str | None]:
    """The hosts that a model's route asks for a pod: one, or one for each version that answers a share."""
    resources = envoy["static_resources"]
    clusters = {cluster["name"]: cluster for cluster in resources["clusters"]}
    for route in _routes(resources):
        if route.get("name") == model:
            shares = route["route"].get("weighted_clusters", {}).get("clusters", [route])
            return [_picker_host(share, clusters) for share in shares]
    return []


def _picker_host(share: Mapping[str, Any], clusters: Mapping[str, Mapping[str, Any]]) -> str | None:
    override = share["typed_per_filter_config"]["envoy.filters.http.ext_proc"]["overrides"]
    cluster = clusters.get(override["grpc_service"]["envoy_grpc"]["cluster_name"])
    for endpoint in cluster["load_assignment"]["endpoints"] if cluster else []:
        for item in endpoint["lb_endpoints"]:
            return str(item["endpoint"]["address"]["socket_address"]["address"])
    return None


def _routes(resources: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for listener in resources["listeners"]:
        for chain in listener["filter_chains"]:
            for item in chain["filters"]:
                for host in item["typed_config"].get("route_config", {}).get("virtual_hosts", []):
                    yield from host["routes"]


def check_labels(objects: StackObjects) -> Iterator[Row]:
    """Where the line's picker knows an engine by a label, every model server carries it."""
    key = objects.plan.release.labels.engine_type
    if key is None:
        return
    for model in sorted(objects.plan.models):
        pods = objects.servers(model)
        without = [pod["metadata"]["name"] for pod in pods if key not in pod["metadata"]["labels"]]
        if without:
            fault = (
                f"{len(without)} of {len(pods)} pods have no label {key}: the picker takes them for its default engine"
            )
            yield failed("engine label", model, fault, f"label the pods with {key}, or the picker reads other names")
        else:
            values = sorted({pod["metadata"]["labels"][key] for pod in pods})
            yield passed("engine label", model, f"{key}={', '.join(values)}")
