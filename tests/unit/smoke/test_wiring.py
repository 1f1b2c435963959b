"""The Envoy that stands for a cluster's network, as far as its config tells."""

import json
import subprocess
from pathlib import Path
from typing import Any

from operate.smoke.wiring import ENVOY, Link, static_config

_PLAIN = Link(address="198.19.0.9", port=9002, targets=(("198.18.0.1", 9002), ("198.18.0.2", 9002)))
_METRICS = Link(
    address="198.18.0.1", port=8000, targets=(("127.0.0.1", 20000),), metrics_paths=("/metrics",), metrics_port=20001
)


def _validate(config: dict[str, Any], folder: Path) -> tuple[int, str]:
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    command = [ENVOY, "--mode", "validate", "--config-path", str(file), "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_envoy_accepts_links_of_both_kinds(tmp_path: Path) -> None:
    """A link that passes bytes on, one that hands metrics to another program, and one that leads nowhere."""
    nowhere = Link(address="198.19.0.10", port=80, targets=())

    assert _validate(static_config([_PLAIN, _METRICS, nowhere]), tmp_path) == (0, "")


def test_a_metrics_link_hands_only_its_path_to_the_exporter() -> None:
    """The engine's metrics path goes to the exporter's port, all else to the engine."""
    listener = static_config([_METRICS])["static_resources"]["listeners"][0]
    (item,) = listener["filter_chains"][0]["filters"]
    (host,) = item["typed_config"]["route_config"]["virtual_hosts"]

    assert [(route["match"], route["route"]["cluster"]) for route in host["routes"]] == [
        ({"path": "/metrics"}, "198.18.0.1:8000-metrics"),
        ({"prefix": "/"}, "198.18.0.1:8000"),
    ]
