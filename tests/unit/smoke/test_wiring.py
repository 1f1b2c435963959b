"""The Envoy that stands for a cluster's network, as far as its config tells."""

import json
import subprocess
from pathlib import Path
from typing import Any

from operate.smoke.wiring import ENVOY, RECORD_HEADER, Link, static_config

_PLAIN = Link(address="198.19.0.9", port=9002, targets=(("198.18.0.1", 9002), ("198.18.0.2", 9002)))
_RECORDED = Link(address="198.18.0.2", port=8000, targets=(("127.0.0.1", 20002),), records="records/pod-1")
_METRICS = Link(
    address="198.18.0.1", port=8000, targets=(("127.0.0.1", 20000),), metrics_paths=("/metrics",), metrics_port=20001
)


def _validate(config: dict[str, Any], folder: Path) -> tuple[int, str]:
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    command = [ENVOY, "--mode", "validate", "--config-path", str(file), "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_envoy_accepts_links_of_every_kind(tmp_path: Path) -> None:
    """One passes bytes on, one hands metrics to another program, one writes requests down, and one leads nowhere."""
    nowhere = Link(address="198.19.0.10", port=80, targets=())

    assert _validate(static_config([_PLAIN, _METRICS, _RECORDED, nowhere]), tmp_path) == (0, "")


def test_a_metrics_link_hands_only_its_path_to_the_exporter() -> None:
    """The engine's metrics path goes to the exporter's port, all else to the engine."""
    listener = static_config([_METRICS])["static_resources"]["listeners"][0]
    (item,) = listener["filter_chains"][0]["filters"]
    (host,) = item["typed_config"]["route_config"]["virtual_hosts"]

    assert [(route["match"], route["route"]["cluster"]) for route in host["routes"]] == [
        ({"path": "/metrics"}, "198.18.0.1:8000-metrics"),
        ({"prefix": "/"}, "198.18.0.1:8000"),
    ]


def test_only_requests_that_ask_for_it_are_written_down() -> None:
    """Before they are passed on, and each in a file that begins with what the link was given."""
    (listener,) = static_config([_RECORDED])["static_resources"]["listeners"]
    (item,) = listener["filter_chains"][0]["filters"]
    tap, router = item["typed_config"]["http_filters"]
    config = tap["typed_config"]["common_config"]["static_config"]

    assert (tap["name"], router["name"]) == ("envoy.filters.http.tap", "envoy.filters.http.router")
    assert config["match"] == {
        "http_request_headers_match": {"headers": [{"name": RECORD_HEADER, "present_match": True}]}
    }
    assert [sink["file_per_tap"] for sink in config["output_config"]["sinks"]] == [{"path_prefix": "records/pod-1"}]
