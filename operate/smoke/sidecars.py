"""The routing sidecar of a decode pod: the real one, from the container that the stack rendered.

It is an init container that goes on running, on the pool's port, in front of the engine on its own. The sidecars of
llm-d's images are at no version, or under no name, that a Go module has; the one of its scheduler 0.7.1 speaks the same
protocols. What it must be told otherwise is a table here, as the pickers' is in `translation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from components.model_service.sidecar import CONTAINER
from lab.build import tool_dir
from operate.errors import OperateError
from operate.smoke.translation import Invocation, Step, set_flag, translated

__all__ = ["TOOL", "BuiltSidecar", "Sidecar", "built_sidecar"]

TOOL = "llm-d-inference-scheduler"
_BINARY = "pd-sidecar"
_PORT, _ENGINE_PORT = "--port", "--vllm-port"


@dataclass(frozen=True, kw_only=True)
class BuiltSidecar:
    """The sidecar that the lab builds, in the place of one image."""

    title: str
    """Name and version, for the table."""
    steps: tuple[Step, ...] = ()


def _engine_port_as_before(before: Invocation) -> Invocation:
    args = tuple(argument.replace("--model-server-port=", f"{_ENGINE_PORT}=") for argument in before.args)
    return replace(before, args=args)


_TITLE = "pd-sidecar of llm-d-inference-scheduler v0.7.1"
_BUILT: Mapping[str, BuiltSidecar] = MappingProxyType(
    {
        "llm-d-routing-sidecar:v0.4.0": BuiltSidecar(title=_TITLE),
        "llm-d-router-disagg-sidecar:v0.10.0": BuiltSidecar(
            title=_TITLE,
            steps=(
                Step(
                    what="--model-server-port -> --vllm-port",
                    why="the same flag under its earlier name",
                    apply=_engine_port_as_before,
                ),
            ),
        ),
    }
)


def built_sidecar(image: str) -> BuiltSidecar:
    """The sidecar to run for an image, whatever registry it comes from.

    Raises:
        OperateError: if there is none.
    """
    name = image.rpartition("/")[2]
    if name not in _BUILT:
        raise OperateError(f"no sidecar can be built for image {image}; there is one for {', '.join(sorted(_BUILT))}")
    return _BUILT[name]


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """The sidecar of one pod."""

    image: str
    """What the stack rendered."""
    built: BuiltSidecar
    """What runs in its place."""
    args: tuple[str, ...]
    """Translated, with the pod's own ports."""
    environment: Mapping[str, str]

    @classmethod
    def of_pod(cls, pod: Mapping[str, Any]) -> "Sidecar | None":
        """None for a pod that has none.

        Raises:
            OperateError: if it leads to a port on which no container of the pod serves.
        """
        found = [item for item in pod["spec"].get("initContainers", []) if item["name"] == CONTAINER]
        if not found:
            return None
        (container,) = found
        built = built_sidecar(container["image"])
        args = translated(Invocation(args=tuple(container["args"])), built.steps).args
        flags = dict(argument.split("=", 1) for argument in args if "=" in argument)
        served = {port["containerPort"] for item in pod["spec"]["containers"] for port in item.get("ports", [])}
        if int(flags[_ENGINE_PORT]) not in served:
            name = pod["metadata"]["name"]
            raise OperateError(f"the sidecar of pod {name} leads to port {flags[_ENGINE_PORT]}, where no engine serves")
        environment = {item["name"]: item["value"] for item in container.get("env", [])}
        return cls(image=container["image"], built=built, args=args, environment=environment)

    def command(self, own_port: int, engine_port: int) -> list[str]:
        """Its command line, with ports on loopback in the place of the pod's."""
        invocation = Invocation(args=self.args)
        for flag in (f"{_PORT}={own_port}", f"{_ENGINE_PORT}={engine_port}"):
            invocation = set_flag(flag)(invocation)
        return [str(tool_dir(TOOL) / "bin" / _BINARY), *invocation.args]
