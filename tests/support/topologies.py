"""Topologies that tests draw: those of the shipped stacks, and twenty models with names as long as they can be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from operate.stack_files import load_stack
from operate.topology.draw import stack_name
from operate.topology.graph import Topology, topology
from operate.workspace import ROOT
from tests.support.configs import settings

__all__ = [
    "DEV",
    "EXAMPLES",
    "ODD_NAMES",
    "TWO_ENGINES",
    "graph_of_config",
    "graph_of_file",
    "served_as",
    "twenty_models",
]

DEV = ROOT / "Pulumi.dev.yaml"
TWO_ENGINES = ROOT / "examples" / "Pulumi.two-engines.yaml"
EXAMPLES = sorted(ROOT.glob("examples/Pulumi.*.yaml"))
ODD_NAMES = [
    "</text><script>",
    "a&amp;b",
    "]]>",
    "{x}[y](z)|%%",
    "#quot;",
    "*a*_b_~c~`d`",
    "'\"\"'",
    "\0\x1b\u202e",
    "模型",
]


def graph_of_config(changes: dict[str, Any] | None = None) -> Topology:
    """Of a small config with these changes."""
    return topology("test", settings(changes))


def graph_of_file(path: Path) -> Topology:
    """Of a stack's config file."""
    return topology(stack_name(path), load_stack(path))


def served_as(name: str) -> Topology:
    """A stack whose model is served as something that the settings might refuse."""
    graph = graph_of_config()
    return replace(graph, models=(replace(graph.models[0], served_name=name),))


def twenty_models() -> Topology:
    """Twenty models with the longest names that there can be, on three pools, and a fourth that serves none."""
    models = {
        f"model-{number:02}-{'x' * 26}": {
            "source": f"hf://{'organisation' * 2}/{'Model-' * 5}{number:02}",
            "weights": "14Gi",
            "replicas": 1 + number % 3,
            "engine": ("vllm", "sglang")[number % 2],
            "pool": ("l40s", "h100", "a100")[number % 3],
        }
        for number in range(20)
    }
    pools = {
        "h100": {"instanceType": "p5.48xlarge", "maxSize": 6, "minSize": 2},
        "l40s": {"instanceType": "g6e.12xlarge", "maxSize": 5000, "minSize": 4999},
        "a100": {"instanceType": "p4de.24xlarge", "maxSize": 3},
        "spare": {"instanceType": "g5.xlarge", "maxSize": 12, "minSize": 12},
    }
    return graph_of_config({"models": models, "gpuPools": pools})
