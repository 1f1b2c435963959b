"""Answers the metrics path of pods whose engine does not speak vLLM's words: one process for all of them.

    python -m operate.smoke.exporter CONFIG

CONFIG is a JSON list: the port to listen on, the URL of the simulated engine's page, the model, and what the engine
tells (`engine_metrics`). A picker asks each pod twenty times a second.
"""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from operate.smoke.engine_metrics import EngineMetrics, figures_of_simulator

__all__ = ["main"]


def _handler(source: str, model: str, metrics: EngineMetrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with urllib.request.urlopen(source, timeout=2) as response:  # noqa: S310 - on loopback
                values = figures_of_simulator(response.read().decode())
            text = metrics.answer(self.path, values, model).encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Twenty lines a second and pod would say nothing."""

    return Handler


def _serve(entry: dict[str, Any]) -> None:
    metrics = EngineMetrics(path=entry["path"], figures=entry["figures"], gauges=tuple(entry["gauges"]))
    handler = _handler(entry["source"], entry["model"], metrics)
    ThreadingHTTPServer(("127.0.0.1", entry["port"]), handler).serve_forever()


def main(config: Path) -> None:
    """Serve until killed."""
    threads = [threading.Thread(target=_serve, args=(entry,)) for entry in json.loads(config.read_text())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
