"""What a cluster would do with a stack's pods, done inside the namespace with real programs.

A picker's pod runs the real picker that the lab builds, from the rendered args, config and environment, with the
rights of its rendered account. The gateway's pods run the real Envoy, from the rendered config. A model server's pod
runs the simulated engine on that pod's address. Service names resolve by a hosts file, to Service addresses that
`wiring` passes on to ready pods.

Not as on a cluster: one Envoy serves all pods of the gateway, since all share one network namespace.
"""

import itertools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc

from components.endpoint_picker import EXT_PROC_PORT, HEALTH_PORT, METRICS_PORT
from components.endpoint_picker import build as build_picker
from lab.build import tool_dir
from naming import GATEWAY, MODEL_LABEL, ModelNames, service_host
from operate.errors import OperateError
from operate.smoke.containers import (
    account_kubeconfig,
    allow_to_watch,
    environment_of,
    mounted_files,
    only_container,
    pods_of,
    target_port,
)
from operate.smoke.loopback import add_addresses
from operate.smoke.namespace import name_hosts
from operate.smoke.processes import Processes, wait_until
from operate.smoke.simulators import Simulator, Simulators
from operate.smoke.stage import Stage
from operate.smoke.traffic import Client
from operate.smoke.translation import BuiltPicker, Invocation, built_picker, need_of, translated
from operate.smoke.wiring import ENVOY, Link, Wiring
from operate.verify.objects import StackObjects

__all__ = ["Picker", "Site"]

_FIRST_PORT = 20000
_START_SECONDS = 20.0
_POLITE_SECONDS = 0.5
_SERVING = b"\x08\x01"
"""A grpc.health.v1.HealthCheckResponse that says SERVING."""


@dataclass(frozen=True, kw_only=True)
class Picker:
    """A picker that runs."""

    model: str
    pod: str
    image: str
    """What the stack rendered."""
    built: BuiltPicker
    """What runs in its place."""
    ports: Mapping[int, int]
    """Container port -> the port on loopback that the program has in its place."""


@dataclass
class Site:
    """The processes of one stack's pods."""

    stage: Stage
    processes: Processes = field(init=False)
    simulators: Simulators = field(init=False)
    pickers: dict[str, Picker] = field(default_factory=dict)
    """By model."""
    remarks: dict[str, str] = field(default_factory=dict)
    """By model: what was noticed about its picker's start."""

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self.processes = Processes(self.stage.folder / "processes")
        self._ports = itertools.count(_FIRST_PORT)
        self.simulators = Simulators(self.processes, self._ports)
        self._wiring = Wiring(self.processes)

    def start(self) -> None:
        """Start all that the stack's pods run, and wait until it serves."""
        self.run_model_servers()
        for model in self.stage.plan.models:
            self._translate_objectives(model)
            self.start_picker(model)
        self.start_gateway()

    def _translate_objectives(self, model: str) -> None:
        """A model's InferenceObjectives as the picker that runs looks for them."""
        args = self.stage.plan.models[model].picker
        group = built_picker(args.image, need_of(args)).objectives_group
        if group is None:
            return
        for item in build_picker(replace(args, dialect=replace(args.dialect, objectives_api_group=group))).values():
            if item["kind"] == "InferenceObjective":
                path = f"/apis/{item['apiVersion']}/namespaces/{args.namespace}/inferenceobjectives"
                self.stage.cluster.send("POST", path, item)

    @property
    def objects(self) -> StackObjects:
        """The stack's objects, as `operate.verify` reads them."""
        return StackObjects(self.stage.cluster, self.stage.plan)

    def client(self, model: str) -> Client:
        """A client that speaks to the gateway's Service, as a pod of the cluster would."""
        plan = self.stage.plan
        host = service_host(plan.provider.service or GATEWAY, plan.namespace)
        path = plan.models[model].route.path.rstrip("/")
        return Client(
            base_url=f"http://{host}:{plan.gateway.port}{path}", served_name=plan.models[model].service.served_name
        )

    def answering(self, model: str) -> list[Simulator]:
        """The model servers that answer clients, by name."""
        running = sorted(self.simulators.running.items())
        return [item for _, item in running if item.model == model and item.answers]

    def lose_pod(self, pod: str) -> None:
        """Kill a model server's program, and say what its kubelet would say next: that it is not ready."""
        self.simulators.stop(pod)
        conditions = [{"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]
        path = f"/api/v1/namespaces/{self.stage.plan.namespace}/pods/{pod}/status"
        patch = {"status": {"conditions": conditions}}
        self.stage.cluster.send("PATCH", path, patch, "application/strategic-merge-patch+json")

    def replace_pod(self, pod: str) -> None:
        """Delete a pod, wait for the one that takes its place, and start its program."""
        namespace = self.stage.plan.namespace
        found = self.stage.cluster.get(f"/api/v1/namespaces/{namespace}/pods/{pod}")
        model = (found or {})["metadata"]["labels"][MODEL_LABEL]
        self.stage.cluster.send("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod}", {"gracePeriodSeconds": 0})
        self.wait_for_rollout(ModelNames(model=model).server)
        self.run_model_servers()

    def wait_for_rollout(self, name: str) -> None:
        """Until a Deployment has as many ready pods as it wants, all of its newest template."""

        def is_done() -> bool:
            deployment = self._deployment(name)
            wanted, status = deployment["spec"]["replicas"], deployment["status"]
            counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "readyReplicas")]
            is_seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
            return is_seen and counts == [wanted] * 3 and len(self.pods(name)) == wanted

        wait_until(is_done, _START_SECONDS, lambda: f"Deployment {name} does not come up")

    def _deployment(self, name: str) -> dict[str, Any]:
        namespace = self.stage.plan.namespace
        found = self.stage.cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        if found is None:
            raise OperateError(f"the stack has no Deployment {name} in namespace {namespace}")
        return found

    def pods(self, deployment: str) -> list[dict[str, Any]]:
        """Ready pods of one of the stack's Deployments."""
        return pods_of(self.stage.cluster, self._deployment(deployment))

    def run_model_servers(self) -> None:
        """A simulated engine for each ready model server that has none, none for those that are gone; then wire all."""
        wanted = {}
        for model, plan in self.stage.plan.models.items():
            names = ModelNames(model=model)
            for pod in (pod for role in plan.service.roles for pod in self.pods(names.server_of(role.label))):
                port = plan.picker.target_port
                simulator = Simulator.of_pod(pod, model, plan.service, port)
                wanted[simulator.pod] = simulator
        self.simulators.run(wanted)
        self.wire()
        self.simulators.wait_until_wired()

    def wire(self) -> None:
        """Addresses and links of pods and Services as they are now."""
        pods = self.stage.cluster.items(f"/api/v1/namespaces/{self.stage.plan.namespace}/pods")
        add_addresses(sorted(pod["status"]["podIP"] for pod in pods if "podIP" in pod.get("status", {})))
        links = [*self.simulators.links(), *self._picker_links()]
        services = self.stage.cluster.items(f"/api/v1/namespaces/{self.stage.plan.namespace}/services")
        links += [link for service in services for link in self._service_links(service)]
        name_hosts(_names(services), self.processes.folder)
        self._wiring.set(links)

    def _picker_links(self) -> list[Link]:
        links = []
        for picker in self.pickers.values():
            address = self._address(picker.pod)
            links += [
                Link(address=address, port=port, targets=(("127.0.0.1", own),)) for port, own in picker.ports.items()
            ]
        return links

    def _address(self, pod: str) -> str:
        found = self.stage.cluster.get(f"/api/v1/namespaces/{self.stage.plan.namespace}/pods/{pod}")
        if found is None:
            raise OperateError(f"pod {pod} is gone")
        return str(found["status"]["podIP"])

    def _service_links(self, service: Mapping[str, Any]) -> list[Link]:
        spec = service["spec"]
        if spec.get("clusterIP", "None") == "None" or not spec.get("selector"):
            return []
        namespace = service["metadata"]["namespace"]
        selected = {"metadata": {"namespace": namespace}, "spec": {"selector": {"matchLabels": spec["selector"]}}}
        pods = pods_of(self.stage.cluster, selected)
        return [
            Link(
                address=spec["clusterIP"],
                port=port["port"],
                targets=tuple((pod["status"]["podIP"], target_port(pod, port["targetPort"])) for pod in pods),
            )
            for port in spec["ports"]
        ]

    def start_picker(self, model: str) -> None:
        """Start a model's picker from its Deployment as it is now, in the place of one that runs."""
        self.stop_picker(model)
        (pod,) = self.pods(ModelNames(model=model).picker)
        container = only_container(pod)
        built = built_picker(container["image"], need_of(self.stage.plan.models[model].picker))
        invocation = Invocation(args=tuple(container["args"]), files=mounted_files(self.stage.cluster, pod))
        invocation = translated(invocation, built.steps)
        ports = {item["containerPort"]: next(self._ports) for item in container["ports"]}
        folder = self.processes.folder / pod["metadata"]["name"]
        command = [str(tool_dir(built.tool) / "bin" / "epp"), *_on_host(invocation, folder), *_port_flags(ports)]
        if built.watches:
            allow_to_watch(self.stage.cluster, pod, built.watches)
        rights = account_kubeconfig(self.stage.cluster, self.stage.lab, pod, self.processes.folder)
        self.processes.start(f"picker-{model}", command, {**environment_of(pod), "KUBECONFIG": str(rights)})
        name = pod["metadata"]["name"]
        self.pickers[model] = Picker(model=model, pod=name, image=container["image"], built=built, ports=ports)
        self.wire()
        self._wait_for_picker(model, container)

    def _wait_for_picker(self, model: str, container: Mapping[str, Any]) -> None:
        """As the kubelet does: until the rendered readiness probe says so."""
        probe = container["readinessProbe"]["grpc"]
        port = self.pickers[model].ports[probe["port"]]

        def serves() -> bool:
            self.processes.require(f"picker-{model}")
            return _health(port, probe["service"])

        def complaint() -> str:
            return f"the picker of {model} never became ready; it said:\n{self.processes.last_lines(f'picker-{model}')}"

        began = time.monotonic()
        wait_until(serves, _START_SECONDS, complaint)
        ready = time.monotonic()
        # GAIE 1.2 and 1.5 report ready before they have made their certificate and listen.
        wait_until(lambda: _listens(self.pickers[model].ports[EXT_PROC_PORT]), _START_SECONDS, complaint)
        if time.monotonic() - ready > _POLITE_SECONDS:
            self.remarks[model] = (
                f"ready after {ready - began:.1f} s, but listens to the gateway only after"
                f" {time.monotonic() - began:.1f} s: until then requests get 500"
            )

    def stop_picker(self, model: str) -> None:
        """Kill a model's picker, as a lost node would."""
        self.processes.stop(f"picker-{model}", kill=True)
        self.pickers.pop(model, None)

    def start_gateway(self) -> None:
        """Start Envoy from the gateway's ConfigMap as it is now, in the place of one that runs."""
        self.processes.stop("gateway")
        pod = self.pods(GATEWAY)[0]
        container = only_container(pod)
        invocation = Invocation(args=tuple(container["args"]), files=mounted_files(self.stage.cluster, pod))
        # Hot restart keeps state in /dev/shm, which all runs on a machine share.
        arguments = [*_on_host(invocation, self.processes.folder / "gateway"), "--disable-hot-restart"]
        self.processes.start("gateway", [ENVOY, *arguments], environment_of(pod))
        self.wire()
        self._wait_for_gateway(pod)

    def _wait_for_gateway(self, pod: Mapping[str, Any]) -> None:
        probe = only_container(pod)["readinessProbe"]["httpGet"]
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]

        def serves() -> bool:
            self.processes.require("gateway")
            port = target_port(pod, probe["port"])
            return self.stage.cluster.pod(namespace, name, port, probe["path"]).is_success

        wait_until(serves, _START_SECONDS, lambda: f"Envoy is not ready:\n{self.processes.last_lines('gateway')}")


def _names(services: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each Service's cluster-internal name, and its address."""
    addressed = [service for service in services if service["spec"].get("clusterIP", "None") != "None"]
    return [
        (f"{item['metadata']['name']}.{item['metadata']['namespace']}.svc.cluster.local", item["spec"]["clusterIP"])
        for item in addressed
    ]


def _on_host(invocation: Invocation, folder: Path) -> list[str]:
    """Write the mounted files below `folder`; the arguments with their paths there."""
    arguments = list(invocation.args)
    for path, text in invocation.files.items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        arguments = [argument.replace(path, str(file)) for argument in arguments]
    return arguments


_PORT_FLAGS = {EXT_PROC_PORT: "grpc-port", HEALTH_PORT: "grpc-health-port", METRICS_PORT: "metrics-port"}


def _port_flags(ports: Mapping[int, int]) -> list[str]:
    return [f"--{_PORT_FLAGS[port]}={own}" for port, own in ports.items()]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _health(port: int, service: str) -> bool:
    """grpc.health.v1.Health/Check: messages this small need no generated code."""
    request = b"\x0a" + bytes([len(service)]) + service.encode()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            return bool(check(request, timeout=1) == _SERVING)
        except grpc.RpcError:
            return False
