"""A simulated engine for each model server's pod: llm-d-inference-sim, on the pod's address and port.

It answers as an OpenAI server does and tells its load under vLLM's metric names. What another engine tells is put in
front of it by `engine_metrics`. A decode server's pod runs the routing sidecar as well, on the pod's port; the engine
has a door of its own behind it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import httpx

from components.model_service import ModelServiceArgs
from lab.build import tool_dir
from naming import PREFILL_ROLE, ROLE_LABEL
from operate.smoke.engine_metrics import SIMULATORS_PATH, EngineMetrics, engine_metrics
from operate.smoke.processes import Processes, wait_until
from operate.smoke.sidecars import Sidecar
from operate.smoke.wiring import Link
from operate.workspace import ROOT

__all__ = ["CAPACITY", "Simulator", "Simulators"]

CAPACITY = 4
"""Requests that a simulated engine works on at once; more wait in its queue."""

_TOKEN_MILLISECONDS = 10
_KV_BLOCKS = 512
_EXPORTER = "exporter"
_START_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """The simulated engine of one pod."""

    pod: str
    namespace: str
    address: str
    port: int
    """Port of the model server in the pod."""
    model: str
    engine: str
    served_name: str
    adapters: tuple[str, ...]
    """What clients ask for to have an adapter."""
    metrics: EngineMetrics | None
    """What is put in front of its metrics path."""
    role: str
    """Value of the pod's role label."""
    is_recorded: bool
    """Whether requests that ask for it are written down before the engine: where two roles share in them."""
    sidecar: Sidecar | None
    """What stands before the engine."""

    @property
    def answers(self) -> bool:
        """Whether it answers clients, and not another server alone."""
        return self.role != PREFILL_ROLE

    @classmethod
    def of_pod(cls, pod: Mapping[str, Any], model: str, service: ModelServiceArgs, port: int) -> "Simulator":
        """For a pod that has an address."""
        return cls(
            pod=pod["metadata"]["name"],
            namespace=pod["metadata"]["namespace"],
            address=pod["status"]["podIP"],
            port=port,
            model=model,
            engine=service.engine.name,
            served_name=service.served_name,
            adapters=service.adapter_names,
            metrics=engine_metrics(
                service.engine.name, service.engine_version, service.engine.metrics(service.engine_version)
            ),
            role=pod["metadata"]["labels"][ROLE_LABEL],
            is_recorded=service.prefill is not None,
            sidecar=Sidecar.of_pod(pod),
        )

    def command(self, own_port: int) -> list[str]:
        """Its command line; `own_port` is the port on loopback that it listens on in the place of the pod's."""
        return [
            str(tool_dir("llm-d-inference-sim") / "bin" / "llm-d-inference-sim"),
            f"--model={self.served_name}",
            f"--port={own_port}",
            f"--max-num-seqs={CAPACITY}",
            "--max-model-len=32768",
            "--mode=random",
            "--seed=1",
            # A prefill server is done with the first token, whatever number its engine is asked for.
            f"--inter-token-latency={_TOKEN_MILLISECONDS if self.answers else 0}ms",
            "--time-to-first-token=5ms",
            "--force-dummy-tokenizer",
            "--enable-kvcache",
            f"--kv-cache-size={_KV_BLOCKS}",
            *self._adapter_flags(),
        ]

    def _adapter_flags(self) -> list[str]:
        if not self.adapters:
            return []
        modules = [json.dumps({"name": name, "path": name}) for name in self.adapters]
        return [f"--max-loras={len(modules)}", "--lora-modules", *modules]


class Simulators:
    """The simulated engines that run, by pod."""

    def __init__(self, processes: Processes, ports: Iterator[int]) -> None:
        self._processes = processes
        self._ports = ports
        self.running: dict[str, Simulator] = {}
        self._own_ports: dict[str, int] = {}
        self._sidecar_ports: dict[str, int] = {}
        self._doors: dict[str, int] = {}
        self._metrics_ports: dict[str, int] = {}
        self.records = processes.folder / "records"
        """A file for each request that was written down, its name that of the pod and a number."""
        self.records.mkdir(exist_ok=True)

    def run(self, wanted: Mapping[str, Simulator]) -> None:
        """Run exactly these."""
        for pod in [pod for pod in self.running if pod not in wanted]:
            self.stop(pod)
        new = [simulator for pod, simulator in wanted.items() if pod not in self.running]
        for simulator in new:
            self._start(simulator)
        if any(simulator.metrics for simulator in new):
            self._start_exporter()
        for simulator in new:
            self._wait(f"engine-{simulator.pod}", f"http://127.0.0.1:{self._own_ports[simulator.pod]}/health")

    def wait_until_wired(self) -> None:
        """Until each answers at its pod's address."""
        for pod, simulator in self.running.items():
            name = f"sidecar-{pod}" if simulator.sidecar else f"engine-{pod}"
            self._wait(name, f"http://{simulator.address}:{simulator.port}/health")

    def stop(self, pod: str) -> None:
        """Kill what runs in a pod."""
        for program in ("sidecar", "engine"):
            self._processes.stop(f"{program}-{pod}", kill=True)
        self.running.pop(pod, None)

    def links(self) -> list[Link]:
        """From each pod's address and port to its program, and from its sidecar to its engine."""
        return [link for pod in self.running for link in self._links(pod)]

    def _links(self, pod: str) -> list[Link]:
        item = self.running[pod]
        to_engine = Link(
            address=item.address,
            port=item.port,
            targets=(("127.0.0.1", self._own_ports[pod]),),
            metrics_paths=tuple(sorted({item.metrics.path, SIMULATORS_PATH})) if item.metrics else (),
            metrics_port=self._metrics_ports.get(pod, 0),
            records=str(self.records / pod) if item.is_recorded else "",
        )
        if item.sidecar is None:
            return [to_engine]
        to_sidecar = Link(address=item.address, port=item.port, targets=(("127.0.0.1", self._sidecar_ports[pod]),))
        return [to_sidecar, replace(to_engine, address="127.0.0.1", port=self._doors[pod])]

    def sidecars(self) -> dict[str, Sidecar]:
        """One of each model that has them."""
        return {item.model: item.sidecar for item in self.running.values() if item.sidecar}

    def page(self, pod: str) -> str:
        """What the simulated engine itself tells, under its own names."""
        return httpx.get(f"http://127.0.0.1:{self._own_ports[pod]}{SIMULATORS_PATH}", trust_env=False).text

    def _start_exporter(self) -> None:
        """One for all pods that need it, in the place of one that knows fewer."""
        self._processes.stop(_EXPORTER)
        entries = []
        for pod, item in self.running.items():
            if item.metrics is None:
                continue
            port = self._metrics_ports[pod] = next(self._ports)
            source = f"http://127.0.0.1:{self._own_ports[pod]}{SIMULATORS_PATH}"
            entries.append({"port": port, "source": source, "model": item.served_name, **asdict(item.metrics)})
        config = self._processes.folder / "exporter.json"
        config.write_text(json.dumps(entries))
        environment = {"PYTHONPATH": str(ROOT)}
        self._processes.start(_EXPORTER, [sys.executable, "-m", "operate.smoke.exporter", str(config)], environment)

    def _start(self, simulator: Simulator) -> None:
        own_port = self._own_ports[simulator.pod] = next(self._ports)
        environment = {"POD_NAME": simulator.pod, "POD_NAMESPACE": simulator.namespace, "POD_IP": simulator.address}
        self._processes.start(f"engine-{simulator.pod}", simulator.command(own_port), environment)
        if sidecar := simulator.sidecar:
            port = self._sidecar_ports[simulator.pod] = next(self._ports)
            door = self._doors[simulator.pod] = next(self._ports)
            self._processes.start(f"sidecar-{simulator.pod}", sidecar.command(port, door), sidecar.environment)
        self.running[simulator.pod] = simulator

    def _wait(self, name: str, url: str) -> None:
        def answers() -> bool:
            self._processes.require(name)
            try:
                return httpx.get(url, trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_until(answers, _START_SECONDS, lambda: f"{name} does not answer:\n{self._processes.last_lines(name)}")
