"""Whether every reference between the objects of a stack resolves: what a control plane accepts and a kubelet does not.

An API server takes a pod whose Secret, claim or mount does not exist; the pod then never starts. The lab runs no
kubelet, so this resolver stands in for it. It works on manifests, wherever they come from: builders, renders, or a
live cluster. It cannot see what is inside an image, nor whether something external really is there.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from settings import StackSettings
from settings.cluster import NamespacesMode
from settings.source import claims as claims_of

__all__ = ["Manifest", "external_references", "pod_templates", "unresolved_references"]

Manifest = Mapping[str, Any]

_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "Job", "LeaderWorkerSet")
_VOLUMES_WITHOUT_REFERENCE = ("emptyDir", "hostPath", "downwardAPI", "image")
_BUILT_IN = frozenset(
    {
        ("ServiceAccount", "default"),
        ("PriorityClass", "system-node-critical"),
        ("PriorityClass", "system-cluster-critical"),
    }
)
_CLUSTER_SCOPED = frozenset({"ClusterRole", "RuntimeClass", "PriorityClass", "Namespace"})


def external_references(settings: StackSettings) -> frozenset[tuple[str, str]]:
    """What the config says is there already, as (kind, name): it resolves although the stack does not make it."""
    found = {("Secret", name) for name in settings.images.pull_secrets}
    if settings.gateway.listener.certificate_secret is not None:
        found.add(("Secret", settings.gateway.listener.certificate_secret))
    if settings.hugging_face.token_secret is not None:
        found.add(("Secret", settings.hugging_face.token_secret))
    if settings.object_storage.credentials_secret is not None:
        found.add(("Secret", settings.object_storage.credentials_secret))
    if settings.namespaces is NamespacesMode.EXISTING:
        found |= {("Namespace", settings.namespace), ("Namespace", settings.device_plugin.namespace)}
    claims = (claim for model in settings.models.values() for claim in claims_of(model))
    return frozenset(found | {("PersistentVolumeClaim", claim) for claim in claims})


def unresolved_references(
    objects: Iterable[Manifest], external: Collection[tuple[str, str]] = frozenset()
) -> list[str]:
    """Every reference that leads nowhere, as a sorted list of sentences; empty where all is well.

    Args:
        objects: All objects of a stack, in all namespaces.
        external: (kind, name) of what is there without the stack.
    """
    stack = _Stack(list(objects), external)
    return sorted(
        {f"{_label(manifest)}: {problem}" for manifest in stack.objects for problem in _problems(stack, manifest)}
    )


def pod_templates(objects: Iterable[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Each workload and its pod template."""
    for manifest in objects:
        if manifest["kind"] in _WORKLOADS:
            yield manifest, _template(manifest)


def _template(workload: Manifest) -> Manifest:
    """Of a LeaderWorkerSet the workers', which its leaders share where they have none of their own."""
    spec = workload["spec"]
    template: Manifest = (
        spec["leaderWorkerTemplate"]["workerTemplate"] if "leaderWorkerTemplate" in spec else spec["template"]
    )
    return template


class _Stack:
    """The objects of a stack and how they are found."""

    def __init__(self, objects: Sequence[Manifest], external: Collection[tuple[str, str]]) -> None:
        self.objects = objects
        self._external = frozenset(external) | _BUILT_IN
        self._by_identity = {(item["kind"], _namespace(item), item["metadata"]["name"]): item for item in objects}

    def find(self, kind: str, namespace: str | None, name: str) -> Manifest | None:
        """The stack's own object."""
        return self._by_identity.get((kind, None if kind in _CLUSTER_SCOPED else namespace, name))

    def missing(self, kind: str, namespace: str | None, name: str) -> Iterator[str]:
        """The sentence that it is not there, unless it is."""
        if self.find(kind, namespace, name) is None and (kind, name) not in self._external:
            yield f"{kind} {name} does not exist"

    def pods(self, namespace: str | None, selector: Mapping[str, str]) -> list[Manifest]:
        """Pod templates that a selector matches."""
        return [
            template
            for workload, template in pod_templates(self.objects)
            if _namespace(workload) == namespace and selector.items() <= template["metadata"]["labels"].items()
        ]


def _problems(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    namespace = _namespace(manifest)
    if namespace is not None:
        yield from stack.missing("Namespace", None, namespace)
    if manifest["kind"] in _WORKLOADS:
        yield from _workload(stack, manifest)
    check = _CHECKS.get(manifest["kind"])
    if check is not None:
        yield from check(stack, manifest)


def _workload(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    template = _template(manifest)
    selector = manifest["spec"].get("selector", {}).get("matchLabels", {})
    if not selector.items() <= template["metadata"]["labels"].items():
        yield "its selector does not match its own pods"
    namespace, spec = _namespace(manifest), template["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    yield from stack.missing("ServiceAccount", namespace, spec.get("serviceAccountName", "default"))
    for secret in spec.get("imagePullSecrets", []):
        yield from stack.missing("Secret", namespace, secret["name"])
    for key, kind in (("runtimeClassName", "RuntimeClass"), ("priorityClassName", "PriorityClass")):
        if key in spec:
            yield from stack.missing(kind, namespace, spec[key])
    yield from _twice("container", [container["name"] for container in containers])
    yield from _volumes(stack, namespace, spec.get("volumes", []), containers)
    for container in containers:
        for problem in (*_environment(stack, namespace, container), *_ports(container)):
            yield f"container {container['name']}: {problem}"


def _volumes(
    stack: _Stack, namespace: str | None, volumes: Sequence[Manifest], containers: Sequence[Manifest]
) -> Iterator[str]:
    names = [volume["name"] for volume in volumes]
    yield from _twice("volume", names)
    for volume in volumes:
        if "configMap" in volume:
            yield from stack.missing("ConfigMap", namespace, volume["configMap"]["name"])
        elif "secret" in volume:
            yield from stack.missing("Secret", namespace, volume["secret"]["secretName"])
        elif "persistentVolumeClaim" in volume:
            yield from stack.missing("PersistentVolumeClaim", namespace, volume["persistentVolumeClaim"]["claimName"])
        elif not any(kind in volume for kind in _VOLUMES_WITHOUT_REFERENCE):
            yield f"volume {volume['name']} is of a kind that this resolver does not know"
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", [])}
    yield from (f"volume {name} is mounted nowhere" for name in names if name not in mounted)
    for container in containers:
        mounts = container.get("volumeMounts", [])
        unknown = [mount["name"] for mount in mounts if mount["name"] not in names]
        yield from (f"container {container['name']}: mounts {name}, which is no volume" for name in unknown)
        yield from _twice(f"container {container['name']}: mount path", [mount["mountPath"] for mount in mounts])


def _environment(stack: _Stack, namespace: str | None, container: Manifest) -> Iterator[str]:
    variables = container.get("env", [])
    yield from _twice("variable", [variable["name"] for variable in variables])
    for variable in variables:
        source = variable.get("valueFrom", {})
        for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if key not in source:
                continue
            name, wanted = source[key]["name"], source[key]["key"]
            yield from stack.missing(kind, namespace, name)
            owner = stack.find(kind, namespace, name)
            if owner is not None and wanted not in {**owner.get("data", {}), **owner.get("stringData", {})}:
                yield f"{kind} {name} has no key {wanted}"
    for source in container.get("envFrom", []):
        for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if key in source:
                yield from stack.missing(kind, namespace, source[key]["name"])


def _ports(container: Manifest) -> Iterator[str]:
    ports = container.get("ports", [])
    yield from _twice("port name", [port["name"] for port in ports if "name" in port])
    known = _port_names_and_numbers(ports)
    hooks = container.get("lifecycle", {})
    handlers = [container.get(key) for key in ("startupProbe", "livenessProbe", "readinessProbe")]
    handlers += [hooks.get("preStop"), hooks.get("postStart")]
    for handler in handlers:
        for kind in ("httpGet", "grpc", "tcpSocket"):
            if handler is not None and kind in handler and handler[kind]["port"] not in known:
                yield f"asks port {handler[kind]['port']}, which it does not have"


def _service(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    yield from _selected_ports(stack, manifest, spec["selector"], [port["targetPort"] for port in spec["ports"]])


def _budget(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    yield from _selected_ports(stack, manifest, manifest["spec"]["selector"]["matchLabels"], [])


def _network_policy(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    ports = [port["port"] for rule in spec.get("ingress", []) for port in rule.get("ports", [])]
    yield from _selected_ports(stack, manifest, spec["podSelector"]["matchLabels"], ports)


def _pod_monitor(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    ports = [endpoint["port"] for endpoint in spec["podMetricsEndpoints"]]
    yield from _selected_ports(stack, manifest, spec["selector"]["matchLabels"], ports)


def _service_monitor(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    selector = manifest["spec"]["selector"]["matchLabels"]
    services = [
        item
        for item in stack.objects
        if item["kind"] == "Service"
        and _namespace(item) == _namespace(manifest)
        and selector.items() <= item["metadata"]["labels"].items()
    ]
    if not services:
        yield "its selector matches no Service"
    for endpoint in manifest["spec"]["endpoints"]:
        for service in services:
            if endpoint["port"] not in {port["name"] for port in service["spec"]["ports"]}:
                yield f"Service {service['metadata']['name']} has no port {endpoint['port']}"
        credentials = endpoint.get("authorization", {}).get("credentials")
        if credentials is not None:
            yield from stack.missing("Secret", _namespace(manifest), credentials["name"])


def _pool(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    ports = [port["number"] for port in spec["targetPorts"]]
    yield from _selected_ports(stack, manifest, spec["selector"]["matchLabels"], ports)
    picker = spec["endpointPickerRef"]
    yield from stack.missing("Service", _namespace(manifest), picker["name"])
    service = stack.find("Service", _namespace(manifest), picker["name"])
    if service is not None and picker["port"]["number"] not in {port["port"] for port in service["spec"]["ports"]}:
        yield f"Service {picker['name']} has no port {picker['port']['number']}"


def _objective(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    pool = manifest["spec"]["poolRef"]
    yield from stack.missing(pool["kind"], _namespace(manifest), pool["name"])


def _http_route(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    for target in (*spec["parentRefs"], *(ref for rule in spec["rules"] for ref in rule["backendRefs"])):
        yield from stack.missing(target["kind"], _namespace(manifest), target["name"])
        found = stack.find(target["kind"], _namespace(manifest), target["name"])
        if found is not None and found["apiVersion"].rpartition("/")[0] != target["group"]:
            yield f"{target['kind']} {target['name']} is not of group {target['group']}"


def _gateway(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    parameters = manifest["spec"].get("infrastructure", {}).get("parametersRef")
    if parameters is not None:
        yield from stack.missing(parameters["kind"], _namespace(manifest), parameters["name"])
    for listener in manifest["spec"]["listeners"]:
        for certificate in listener.get("tls", {}).get("certificateRefs", []):
            yield from stack.missing("Secret", _namespace(manifest), certificate["name"])


def _policy(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    """What a gateway's controller hangs on an object: every provider says so by `targetRef` or `targetRefs`."""
    spec = manifest["spec"]
    for target in spec.get("targetRefs") or [spec["targetRef"]]:
        yield from stack.missing(target["kind"], _namespace(manifest), target["name"])
    for chain in spec.get("extensionChains", []):
        for backend in (extension["backendRef"] for extension in chain["extensions"]):
            yield from stack.missing(backend["kind"], _namespace(manifest), backend["name"])


def _destination_rule(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    name, namespace = manifest["spec"]["host"].split(".")[:2]
    yield from stack.missing("Service", namespace, name)


def _binding(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    yield from stack.missing(manifest["roleRef"]["kind"], _namespace(manifest), manifest["roleRef"]["name"])
    for subject in manifest["subjects"]:
        yield from stack.missing(subject["kind"], subject["namespace"], subject["name"])


def _secret(stack: _Stack, manifest: Manifest) -> Iterator[str]:
    account = manifest["metadata"].get("annotations", {}).get("kubernetes.io/service-account.name")
    if account is not None:
        yield from stack.missing("ServiceAccount", _namespace(manifest), account)


_CHECKS = {
    "AIGatewayRoute": _http_route,
    "AgentgatewayPolicy": _policy,
    "ClientTrafficPolicy": _policy,
    "ClusterRoleBinding": _binding,
    "DestinationRule": _destination_rule,
    "EnvoyFilter": _policy,
    "GCPBackendPolicy": _policy,
    "GCPRoutingExtension": _policy,
    "Gateway": _gateway,
    "HTTPRoute": _http_route,
    "HealthCheckPolicy": _policy,
    "InferenceObjective": _objective,
    "InferencePool": _pool,
    "NetworkPolicy": _network_policy,
    "PodDisruptionBudget": _budget,
    "PodMonitor": _pod_monitor,
    "RoleBinding": _binding,
    "Secret": _secret,
    "Service": _service,
    "ServiceMonitor": _service_monitor,
}


def _selected_ports(
    stack: _Stack, manifest: Manifest, selector: Mapping[str, str], ports: Iterable[object]
) -> Iterator[str]:
    pods = stack.pods(_namespace(manifest), selector)
    if not pods:
        yield "its selector matches no pod"
    for pod in pods:
        containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
        known = _port_names_and_numbers([port for container in containers for port in container.get("ports", [])])
        yield from (f"the pods that it selects have no port {port}" for port in ports if port not in known)


def _port_names_and_numbers(ports: Iterable[Manifest]) -> set[object]:
    return {value for port in ports for value in (port.get("name"), port["containerPort"]) if value is not None}


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    yield from sorted({f"{what} {name} is there twice" for name in names if names.count(name) > 1})


def _namespace(manifest: Manifest) -> str | None:
    namespace: str | None = manifest["metadata"].get("namespace")
    return namespace


def _label(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
