"""Who can reach what, and what leaks; pure."""

from collections.abc import Iterator, Mapping

from policy.checks.literals import token_in
from policy.checks.pods import EFA, Container, Pod, has_pods, is_model_server, is_picker, pods_of
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import Subject, UnknownValueError, at, children, mapping, present, texts
from policy.checks.world import SERVERS, World

__all__ = ["RULES"]

_EVERYWHERE = ("0.0.0.0/0", "::/0")
_SECRET_NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLLM_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY")
_OPEN_KINDS = ("LoadBalancer", "NodePort")
_INTERNAL: Mapping[str, tuple[str, ...]] = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true",),
    "networking.gke.io/load-balancer-type": ("Internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
}


def _is_gateway(subject: Subject) -> bool:
    return subject.is_a("Gateway") or subject.kind == "InferenceGateway"


def _tls(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    if subject.kind == "InferenceGateway":
        reached = at(subject.properties, "loadBalancer") or settings["internalToo"]
        if reached and not at(subject.properties, "tls"):
            yield "is reached without TLS: prompts and keys cross the network in clear"
        return
    if not settings["internalToo"] and _stays_inside(subject, world):
        return
    for listener in children(subject.properties, "spec", "listeners"):
        protocol, name = at(listener, "protocol"), at(listener, "name")
        if protocol == "HTTP" and not _only_redirects(subject, str(name), world):
            yield f"listener {name} speaks plain HTTP: prompts and keys cross the network in clear"
        elif protocol in ("HTTPS", "TLS") and not _has_certificate(listener):
            yield f"listener {name} names no certificate"


def _has_certificate(listener: object) -> bool:
    return bool(children(listener, "tls", "certificateRefs")) or at(listener, "tls", "mode") == "Passthrough"


def _stays_inside(gateway: Subject, world: World) -> bool:
    """Whether the gateway's Service is no load balancer, as far as the stack says."""
    annotations = mapping(gateway.properties, "metadata", "annotations")
    if annotations.get("networking.istio.io/service-type") == "ClusterIP":
        return True
    reference = at(gateway.properties, "spec", "infrastructure", "parametersRef")
    parameters = world.named(str(at(reference, "kind")), gateway.namespace, at(reference, "name"))
    found = texts(parameters.properties) if parameters else ()
    return any("type: ClusterIP" in text or text == "ClusterIP" for _, text in found)


def _only_redirects(gateway: Subject, listener: str, world: World) -> bool:
    routes = [
        route
        for route in world.of_kind("HTTPRoute", namespace=gateway.namespace)
        for parent in children(route.properties, "spec", "parentRefs")
        if at(parent, "name") == at(gateway.properties, "metadata", "name")
        and at(parent, "sectionName") in (listener, None)
    ]
    filters = [
        at(item, "type")
        for route in routes
        for rule in children(route.properties, "spec", "rules")
        for item in children(rule, "filters")
    ]
    return bool(filters) and set(filters) == {"RequestRedirect"}


def _routes(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    for listener in children(subject.properties, "spec", "listeners"):
        if at(listener, "allowedRoutes", "namespaces", "from") == "All":
            yield f"listener {at(listener, 'name')} takes routes from all namespaces: anybody can take over a path"


def _exposure(subject: Subject, settings: Settings, world: World) -> Iterator[str]:
    spec = mapping(subject.properties, "spec")
    kind = spec.get("type", "ClusterIP")
    if kind not in _OPEN_KINDS:
        return
    labels = mapping(spec, "selector")
    for workload, pod in world.selected(subject.namespace, {"matchLabels": labels}) if labels else ():
        if is_model_server(pod) or is_picker(pod):
            yield f"{kind} exposes {workload.name}: requests would go around the gateway, its limits and its log"
            return
    annotations = mapping(subject.properties, "metadata", "annotations")
    if any(annotations.get(name) in values for name, values in _INTERNAL.items()):
        return
    ranges = [str(item) for item in children(spec, "loadBalancerSourceRanges")]
    if not settings["public"]:
        yield f"{kind} is reached from outside the network, which this environment does not allow"
    elif not ranges or set(ranges) & set(_EVERYWHERE):
        yield f"{kind} is open to the whole internet: it has no loadBalancerSourceRanges that narrow it"


def _literals(subject: Subject, _settings: Settings, _world: World) -> Iterator[str]:
    for path, text in texts(subject.properties):
        if kind := token_in(text):
            yield f"{path} looks like {kind}"
    for pod in pods_of(subject):
        for container in pod.containers:
            for variable in children(container.spec, "env"):
                name = at(variable, "name")
                if name in _SECRET_NAMES and at(variable, "value") and not token_in(str(at(variable, "value"))):
                    yield f"{container.name}: {name} is written out; it belongs into a Secret"


def _may_leak(subject: Subject) -> bool:
    return not subject.is_a("Secret", "CustomResourceDefinition")


def _networked(subject: Subject) -> bool:
    try:
        return subject.is_a(*SERVERS) and any(is_model_server(pod) or is_picker(pod) for pod in pods_of(subject))
    except UnknownValueError:
        return True


def _network_policy(subject: Subject, _settings: Settings, world: World) -> Iterator[str]:
    for pod in pods_of(subject):
        chosen = world.selecting("NetworkPolicy", subject.namespace, pod.labels, ("spec", "podSelector"))
        if not any(_restricts(item) for item in chosen):
            yield "no NetworkPolicy guards its pods: anybody in the cluster reaches engine, cache events and metrics"
        elif all(_admits_all(item) for item in chosen if _restricts(item)):
            yield "the NetworkPolicy that selects its pods admits everybody"


def _restricts(item: Subject) -> bool:
    kinds = children(item.properties, "spec", "policyTypes")
    return not kinds or "Ingress" in kinds


def _admits_all(item: Subject) -> bool:
    rules = children(item.properties, "spec", "ingress")
    return any(not children(rule, "from") and not children(rule, "ports") for rule in rules)


def _hardening(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    if subject.namespace in settings["exemptNamespaces"]:
        return
    for pod in pods_of(subject):
        for name in ("hostNetwork", "hostPID", "hostIPC"):
            if at(pod.spec, name):
                yield f"shares the node: {name}"
        for volume in children(pod.spec, "volumes"):
            if present(volume, "hostPath"):
                yield f"volume {at(volume, 'name')} is the node's own {at(volume, 'hostPath', 'path')}"
        for container in pod.containers:
            yield from _container_hardening(container, pod, settings)


def _container_hardening(container: Container, pod: Pod, settings: Settings) -> Iterator[str]:
    own = mapping(container.spec, "securityContext")
    non_root = own.get("runAsNonRoot", at(pod.spec, "securityContext", "runAsNonRoot"))
    user = own.get("runAsUser", at(pod.spec, "securityContext", "runAsUser"))
    image = str(at(container.spec, "image"))
    if (non_root is not True or user == 0) and not any(part in image for part in settings["rootImages"]):
        yield f"{container.name}: may run as root"
    if own.get("privileged"):
        yield f"{container.name}: is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{container.name}: does not forbid privilege escalation"
    if "ALL" not in children(own, "capabilities", "drop"):
        yield f"{container.name}: keeps Linux capabilities"
    for added in children(own, "capabilities", "add"):
        if added != "IPC_LOCK" or not _has_rdma(container):
            yield f"{container.name}: adds capability {added}; only IPC_LOCK may be, and only with EFA or RDMA"


def _has_rdma(container: Container) -> bool:
    return any(name == EFA or name.startswith("rdma/") for name in container.amounts("limits"))


RULES: tuple[Rule, ...] = (
    Rule(
        number=8,
        id="gateway-tls",
        group=Group.NETWORK_SECRETS,
        reason="A gateway that is reached from outside speaks TLS, or prompts and keys can be read on the way.",
        severity=Severity.MANDATORY,
        remediation="Make the listener HTTPS with certificateRefs; keep HTTP for a redirect alone.",
        key="gateway.listener, gateway.exposure",
        applies=_is_gateway,
        check=_tls,
        across=True,
        settings=setting_table(internalToo=(False, "whether gateways inside the cluster need TLS as well")),
    ),
    Rule(
        number=9,
        id="gateway-routes",
        group=Group.NETWORK_SECRETS,
        reason="A gateway that takes routes from all namespaces lets anybody in the cluster take over a model's path.",
        severity=Severity.MANDATORY,
        remediation="Set allowedRoutes.namespaces.from to Same, or to a Selector.",
        key="(never All)",
        applies=lambda subject: subject.is_a("Gateway"),
        check=_routes,
    ),
    Rule(
        number=10,
        id="exposure",
        group=Group.NETWORK_SECRETS,
        reason="Servers and pickers are reached through the gateway only, and the internet reaches nothing by default.",
        severity=Severity.MANDATORY,
        remediation="Use ClusterIP behind the gateway; make its load balancer internal or narrow its source ranges.",
        key="gateway.exposure",
        applies=lambda subject: subject.is_a("Service"),
        check=_exposure,
        across=True,
        settings=setting_table(public=(False, "whether a load balancer may be reached from outside the network")),
    ),
    Rule(
        number=11,
        id="literal-secret",
        group=Group.NETWORK_SECRETS,
        reason="A token in a manifest is in the state, in etcd and in every `kubectl describe`.",
        severity=Severity.MANDATORY,
        remediation="Put it into a Secret and refer to it by secretKeyRef; then revoke the one that was written down.",
        key="huggingFace.tokenSecret",
        applies=_may_leak,
        check=_literals,
    ),
    Rule(
        number=12,
        id="network-policy",
        group=Group.NETWORK_SECRETS,
        reason="Engines and pickers have no authentication of their own: whoever reaches them may use and stop them.",
        severity=Severity.MANDATORY,
        remediation="Select the pods with a NetworkPolicy that admits the gateway, the picker and the scraper.",
        key="(always built)",
        applies=_networked,
        check=_network_policy,
        across=True,
    ),
    Rule(
        number=13,
        id="hardening",
        group=Group.NETWORK_SECRETS,
        reason="An engine runs code from a model's repository: without root, privileges, or the node's files.",
        severity=Severity.MANDATORY,
        remediation="Set runAsNonRoot, allowPrivilegeEscalation false, drop ALL; host paths in exemptNamespaces alone.",
        key="devicePlugin.namespace, efaDevicePlugin.namespace",
        applies=has_pods,
        check=_hardening,
        settings=setting_table(
            exemptNamespaces=(
                ["efa-device-plugin", "kube-system", "nvidia-device-plugin"],
                "namespaces of node agents, which need the node",
            ),
            rootImages=([], "parts of images that are known to need root"),
        ),
    ),
)
