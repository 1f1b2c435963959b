"""The Pod Security Standard `restricted`, written out (Kubernetes 1.34): what a namespace that enforces it refuses.

The API server's own admission checks pods, not the Deployments that make them: a Deployment whose pods are refused is
accepted, and only never gets a pod. This check looks at the template.
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["restricted_violations"]

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def restricted_violations(template: Mapping[str, Any]) -> list[str]:
    """Everything in a pod template that `restricted` refuses, sorted."""
    spec = template["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]
    found = [*_pod(spec)]
    for container in containers:
        found += [f"{container['name']}: {problem}" for problem in _container(container, spec)]
    return sorted(found)


def _pod(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    security = spec.get("securityContext", {})
    if security.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if security.get("sysctls"):
        yield "sysctls are set"
    if security.get("seLinuxOptions"):
        yield "seLinuxOptions are set"
    for volume in spec.get("volumes", []):
        if volume.keys() - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is of a kind that is not allowed"


def _container(container: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
    either = {**pod, **own}
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may escalate its privileges"
    if either.get("runAsNonRoot") is not True:
        yield "may run as root"
    if own.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if either.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    yield from _reach(container)
    if own.get("procMount", "Default") != "Default":
        yield "has a proc mount of its own"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "does not drop all capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"


def _reach(container: Mapping[str, Any]) -> Iterator[str]:
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "has a host port"
    hooks = container.get("lifecycle", {})
    handlers = [container.get(probe, {}) for probe in _PROBES] + [hooks.get(hook, {}) for hook in hooks]
    if any("host" in handler.get(kind, {}) for handler in handlers for kind in ("httpGet", "tcpSocket")):
        yield "probes another host"
