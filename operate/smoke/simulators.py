"""A simulated engine for each model server's pod: llm-d-inference-sim, on the pod's address and port.

It answers as an OpenAI server does and tells its load under vLLM's metric names. What another engine tells is put in
front of it by `engine_metrics`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from components.model_service import ModelServiceArgs
from lab.build import tool_dir
from operate.smoke.processes import Processes, wait_until
from operate.smoke.wiring import Link

__all__ = ["CAPACITY", "Simulator", "Simulators"]

CAPACITY = 4
"""Requests that a simulated engine works on at once; more wait in its queue."""

_TOKEN_MILLISECONDS = 10
_KV_BLOCKS = 512
_START_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """The simulated engine of one pod."""

    pod: str
    namespace: str
    address: str
    port: int
    """Port of the engine in the pod."""
    model: str
    engine: str
    served_name: str

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
            f"--inter-token-latency={_TOKEN_MILLISECONDS}ms",
            "--time-to-first-token=5ms",
            "--force-dummy-tokenizer",
            "--enable-kvcache",
            f"--kv-cache-size={_KV_BLOCKS}",
        ]


class Simulators:
    """The simulated engines that run, by pod."""

    def __init__(self, processes: Processes, ports: Iterator[int]) -> None:
        self._processes = processes
        self._ports = ports
        self.running: dict[str, Simulator] = {}
        self._own_ports: dict[str, int] = {}

    def run(self, wanted: Mapping[str, Simulator]) -> None:
        """Run exactly these."""
        for pod in [pod for pod in self.running if pod not in wanted]:
            self.stop(pod)
        new = [simulator for pod, simulator in wanted.items() if pod not in self.running]
        for simulator in new:
            self._start(simulator)
        for simulator in new:
            self._wait(simulator)

    def stop(self, pod: str) -> None:
        """Kill a pod's engine."""
        self._processes.stop(f"engine-{pod}", kill=True)
        self.running.pop(pod, None)

    def links(self) -> list[Link]:
        """From each pod's address and port to its program."""
        return [
            Link(address=item.address, port=item.port, targets=(("127.0.0.1", self._own_ports[pod]),))
            for pod, item in self.running.items()
        ]

    def _start(self, simulator: Simulator) -> None:
        own_port = self._own_ports[simulator.pod] = next(self._ports)
        environment = {"POD_NAME": simulator.pod, "POD_NAMESPACE": simulator.namespace, "POD_IP": simulator.address}
        self._processes.start(f"engine-{simulator.pod}", simulator.command(own_port), environment)
        self.running[simulator.pod] = simulator

    def _wait(self, simulator: Simulator) -> None:
        name = f"engine-{simulator.pod}"
        url = f"http://127.0.0.1:{self._own_ports[simulator.pod]}/health"

        def answers() -> bool:
            self._processes.require(name)
            try:
                return httpx.get(url, trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_until(answers, _START_SECONDS, lambda: f"{name} does not answer:\n{self._processes.last_lines(name)}")
