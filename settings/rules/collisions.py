"""Two things that would get in each other's way."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from naming import BODY_ROUTER, GATEWAY, MODEL_CATALOGUE, ModelNames
from settings.faults import Fault
from settings.gpu_pools import Advertiser
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.stack import StackSettings

__all__ = ["RULES", "model_path"]

# The path stands in Envoy's config, in a regular expression among others. Proxies resolve dot segments and double
# slashes before they look for a route, so a path with one would never match.
_PATH = re.compile(r"(/[a-zA-Z0-9_~-][a-zA-Z0-9._~-]*)+|/")

_OPENAI_SEGMENT = "/v1/"

# Both layers create their namespace, and delete it on destroy.
_CLUSTERS_OWN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def model_path(name: str, model: ModelSettings) -> str:
    """URL path of a model on the gateway, without a trailing slash."""
    return (model.path or f"/{name}").rstrip("/") or "/"


def _paths(settings: StackSettings) -> Iterator[Fault]:
    for name, model in settings.models.items():
        if not _PATH.fullmatch(model_path(name, model)):
            problem = "must start with / and hold nothing but letters, digits, '.', '_', '~', '-' and '/'"
            yield Fault(path=f"models.{name}.path", problem=problem, given=model.path)
    taken = {name: model_path(name, model) for name, model in settings.models.items()}
    yield from _twice(taken, "path", "the URL path")
    for name, path in taken.items():
        if f"{path}/".endswith(_OPENAI_SEGMENT):
            yield Fault(
                path=f"models.{name}.path",
                problem="ends with the segment v1, which OpenAI's clients append themselves",
                given=path,
                allowed="a path without it; a client's base URL is <gateway><path>/v1",
            )
        elif f"{path}/".startswith(_OPENAI_SEGMENT):
            yield Fault(
                path=f"models.{name}.path",
                problem="lies below /v1, where the gateway serves every model by the name in the request's body",
                given=path,
                allowed="a path that does not start with the segment v1",
            )
    yield from _shadowed(taken)


def _shadowed(taken: Mapping[str, str]) -> Iterator[Fault]:
    """Every request below a model's path is that model's, so no other's path may lie there."""
    for name, path in sorted(taken.items()):
        above = sorted(other for other, prefix in taken.items() if prefix != "/" and path.startswith(f"{prefix}/"))
        if above:
            other = above[0]
            yield Fault(
                path=f"models.{name}.path",
                problem=f"lies below {taken[other]}, the path of model {other}, and would take requests of that model",
                given=path,
                allowed="a path that is no other model's with a segment appended",
            )
        elsewhere = sorted(other for other, prefix in taken.items() if prefix != "/")
        if path == "/" and elsewhere:
            yield Fault(
                path=f"models.{name}.path",
                problem=f"lies above the path of model {elsewhere[0]}: only the one model of a stack can be at /",
                given=path,
                allowed="a path such as /<name>",
            )


def _object_names(settings: StackSettings) -> Iterator[Fault]:
    owners: dict[str, str] = {
        BODY_ROUTER: "the body-based router",
        GATEWAY: "the gateway",
        MODEL_CATALOGUE: "the model catalogue",
        "default": "the namespace's own ServiceAccount",
    }
    for name in sorted(settings.models):
        for claimed in sorted(ModelNames(model=name).claimed()):
            if claimed in owners:
                yield Fault(path=f"models.{name}", problem=f"the object name {claimed} is taken by {owners[claimed]}")
            owners.setdefault(claimed, f"model {name}")


def _namespaces(settings: StackSettings) -> Iterator[Fault]:
    """Each component has a namespace of its own; the device plugins' are privileged, the serving layer's restricted."""
    pools, plugins = settings.gpu_pools.values(), {}
    if any(pool.advertised_by is Advertiser.DEVICE_PLUGIN for pool in pools):
        plugins["devicePlugin.namespace"] = settings.device_plugin.namespace
    if any(pool.has_efa_plugin for pool in pools):
        plugins["efaDevicePlugin.namespace"] = settings.efa_device_plugin.namespace
    for path, namespace in {"namespace": settings.namespace, **plugins}.items():
        if namespace in _CLUSTERS_OWN_NAMESPACES:
            problem = "is the cluster's own; this stack creates its namespaces and deletes them"
            yield Fault(path=path, problem=problem, given=namespace)
    for path, namespace in plugins.items():
        if namespace == settings.namespace:
            problem = "is the serving namespace, which is restricted; the device plugin's pods are privileged"
            yield Fault(path=path, problem=problem, given=namespace)
    if len(set(plugins.values())) < len(plugins):
        problem = "is NVIDIA's device plugin's; each creates its namespace and deletes it"
        path = "efaDevicePlugin.namespace"
        yield Fault(path=path, problem=problem, given=plugins[path], allowed="a namespace of its own")


def _twice(taken: Mapping[str, str], key: str, what: str) -> Iterator[Fault]:
    by_value = defaultdict(list)
    for name in sorted(taken):
        by_value[taken[name]].append(name)
    for value, names in by_value.items():
        for name in names[1:]:
            problem = f"{what} {value} is taken by model {names[0]}"
            yield Fault(path=f"models.{name}.{key}", problem=problem, given=value)


RULES = (
    Rule(needs=frozenset(), of_model=frozenset({"path"}), check=_paths),
    Rule(needs=frozenset(), check=_object_names),
    Rule(
        needs=frozenset({"namespace", "devicePlugin.namespace", "efaDevicePlugin.namespace", "gpuPools"}),
        check=_namespaces,
    ),
)
