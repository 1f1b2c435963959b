"""Both forms of the picture, written side by side."""

from dataclasses import dataclass
from pathlib import Path

from operate.errors import OperateError
from operate.stack_files import load_stack
from operate.topology.graph import Topology, topology
from operate.topology.mermaid import mermaid
from operate.topology.svg import svg
from operate.workspace import ROOT

__all__ = ["Drawing", "draw", "stack_name"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What was drawn."""

    graph: Topology
    svg: Path
    mermaid: Path


def draw(path: Path, out: Path | None) -> Drawing:
    """Draw a stack's config file into `out`, by default below `build/topology`, with the Mermaid text beside it.

    Raises:
        OperateError: if the config has faults, or `out` cannot be written.
    """
    name = stack_name(path)
    target = ROOT / "build" / "topology" / f"{name}.svg" if out is None else out
    if target.suffix != ".svg":
        raise OperateError(f"{target} is not the name of an SVG file; name one such as {target.with_suffix('.svg')}")
    graph = topology(name, load_stack(path))
    drawing = Drawing(graph=graph, svg=target, mermaid=target.with_suffix(".mmd"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        drawing.svg.write_text(svg(graph), encoding="utf-8")
        drawing.mermaid.write_text(mermaid(graph), encoding="utf-8")
    except OSError as error:
        raise OperateError(f"cannot write {error.filename}: {error.strerror}") from error
    return drawing


def stack_name(path: Path) -> str:
    """`dev` of `Pulumi.dev.yaml`; of any other file its name without the ending."""
    return path.stem.removeprefix("Pulumi.")
