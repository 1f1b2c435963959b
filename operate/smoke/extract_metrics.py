"""Reads the gauges that an engine tells out of the engine's own source, into `engine_metrics.json`.

    python -m operate.smoke.extract_metrics sglang 0.5.6.post2 WHEEL sglang/srt/metrics/collector.py [ORIGIN]

WHEEL is a wheel (`pip download --no-deps sglang==0.5.6.post2`) or a folder with the sources; where these are not the
very version's, ORIGIN says which they are. The simulated engine
speaks vLLM's names only; what is put in front of it must tell what the real engine would, and not what whoever wrote
our metric map believes. Which gauge means what is decided by the engine's own description of it, listed here.
"""

import ast
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["DATA", "gauges", "main"]

DATA = Path(__file__).parent / "engine_metrics.json"

_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "sglang": {
        "running": "The number of running requests.",
        "queue": "The number of requests in the waiting queue.",
        "kv_cache": "The token usage.",
    },
    "tensorrt-llm": {
        "running": "Number of active requests",
        "queue": "Number of queued requests",
        "kv_cache": "KV cache utilization",
    },
}
"""By engine: the engine's own description of the gauge that tells a figure."""


def gauges(source: str) -> dict[str, str]:
    """Description by name of every Gauge that a Python source makes."""
    tree = ast.parse(source)
    prefixes = dict(_assigned_texts(tree))
    found = {}
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Gauge")):
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        name, description = (_text(given.get(key), prefixes) for key in ("name", "documentation"))
        if name is not None and description is not None:
            found[name] = description
    return dict(sorted(found.items()))


def _assigned_texts(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What names stand for, such as `self.metric_prefix`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                yield ast.unparse(target), node.value.value


def _text(node: ast.expr | None, names: Mapping[str, str]) -> str | None:
    """The text of a constant, of a name that stands for one, or of their sum."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_text(part, names) for part in (node.left, node.right)]
        return "".join(part for part in parts if part is not None) if None not in parts else None
    return names.get(ast.unparse(node)) if node is not None else None


def _read(place: Path, file: str) -> bytes:
    if place.is_dir():
        return (place / file).read_bytes()
    with zipfile.ZipFile(place) as wheel:
        return wheel.read(file)


def main(engine: str, version: str, place: Path, file: str, other_origin: str = "") -> None:
    """Write one engine's entry."""
    source = _read(place, file)
    told = gauges(source.decode())
    meaning = {}
    for figure, description in _MEANINGS[engine].items():
        (meaning[figure],) = [name for name, text in told.items() if text == description]
    data = json.loads(DATA.read_text()) if DATA.exists() else {}
    digest = hashlib.sha256(source).hexdigest()
    origin = other_origin or f"{file} of {place.name}, sha256 of the file {digest}"
    data.setdefault(engine, {})[version] = {"origin": origin, "figures": meaning, "gauges": sorted(told)}
    DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:6])
