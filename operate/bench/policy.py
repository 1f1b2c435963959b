"""What the policy pack costs: on stack dev, and on stacks of ten times the size of each other."""

import json
import time
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from operate.bench.figures import Figure, Samples
from operate.workspace import ROOT
from policy.analyzer import Analyzer
from policy.manifests import type_token

__all__ = ["FEW", "MANY", "added_figure", "growth_figure", "judging_seconds", "pack_options", "resources"]

FEW, MANY = 500, 5_000
"""Resources of the two stacks."""

_ADDED_TARGET, _MANY_TARGET = 2.0, 10.0
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def resources(manifests: Path, count: int) -> list[dict[str, Any]]:
    """So many objects of one namespace, made of copies of rendered models under names of their own."""
    rendered = yaml.load_all(manifests.read_text(), Loader=_LOADER)
    # The gateway is one for all models: a copy of it would be the same object again.
    text = json.dumps([manifest for manifest in rendered if "model-" in manifest["metadata"]["name"]])
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += json.loads(text.replace("model-", f"copy-{len(found)}-"))
    return found[:count]


def judging_seconds(objects: list[dict[str, Any]]) -> float:
    """Seconds that the pack takes for them: the engine's messages converted, every rule on every object."""
    analyzer = Analyzer("0.0.0")
    requests = [_request(number, manifest) for number, manifest in enumerate(objects)]
    stack = analyzer_pb2.AnalyzeStackRequest(
        resources=[analyzer_pb2.AnalyzerResource(urn=item.urn, type=item.type) for item in requests]
    )
    started = time.monotonic()
    for request in requests:
        analyzer.Analyze(request, None)
    analyzer.AnalyzeStack(stack, None)
    return time.monotonic() - started


def _request(number: int, manifest: dict[str, Any]) -> Any:  # noqa: ANN401 - gRPC's generated code is untyped
    properties = struct_pb2.Struct()
    properties.update(manifest)
    token = type_token(manifest["apiVersion"], manifest["kind"])
    return analyzer_pb2.AnalyzeRequest(urn=f"urn:pulumi:b::b::{token}::{number}", type=token, properties=properties)


def pack_options() -> tuple[str, ...]:
    """Options of a preview that is judged."""
    pack = ROOT / "policy"
    return ("--policy-pack", str(pack), "--policy-pack-config", str(pack / "dev.json"))


def added_figure(judged: list[float], alone: list[float]) -> Figure:
    """What the pack adds to a preview, pair by pair."""
    return Figure(
        key="policy",
        title="policy pack on dev",
        includes="a preview of stack dev under the pack, less the preview beside it without; most of it is the start",
        target_seconds=_ADDED_TARGET,
        samples=Samples(tuple(max(0.0, one - other) for one, other in zip(judged, alone, strict=True))),
    )


def growth_figure(many: list[float], few: list[float]) -> Figure:
    """Ten times the resources beside ten times the time; a ratio near 1 is linear growth."""
    return Figure(
        key="policyGrowth",
        title=f"rules on {MANY:,} resources",
        includes=f"conversion and all rules, no engine; floor: ten times what {FEW} take, so a ratio of 1 is linear",
        target_seconds=_MANY_TARGET,
        samples=Samples(tuple(many)),
        floor=Samples(tuple(MANY / FEW * one for one in few)),
    )
