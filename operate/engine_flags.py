"""Read the arguments of an engine out of its released source, without importing it.

    pip download --no-deps vllm==0.26.0
    python -m operate.engine_flags vllm 0.26.0 vllm-0.26.0-*.whl

writes the list into `engines/flags.json`. The source is a wheel or a folder that has the engine's package in it. An
import would need torch and a GPU; the definitions are literals, so the syntax tree has them.
"""

import argparse
import ast
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engines.flags import DATA
from operate.errors import OperateError

__all__ = ["READERS", "read_flags", "write_flags"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """How the arguments of an engine are defined."""

    files: tuple[str, ...]
    """Where, below the folder that has the engine's package."""
    flags: Callable[[ast.Module], Iterator[str]]
    """What such a file defines."""


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("-"):
            yield node.value


def _argparse(tree: ast.Module) -> Iterator[str]:
    """`add_argument("--flag", "-f", ...)`, and loops over tuples of such names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            yield from _literals(node.args)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple):
            for item in node.iter.elts:
                yield from _literals(item.elts if isinstance(item, ast.Tuple) else [item])


def _vllm(tree: ast.Module) -> Iterator[str]:
    """Beside argparse, vLLM makes an argument of every field of its frontend's dataclasses."""
    yield from _argparse(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("FrontendArgs"):
            names = (item.target for item in node.body if isinstance(item, ast.AnnAssign))
            yield from (f"--{name.id.replace('_', '-')}" for name in names if isinstance(name, ast.Name))


def _click(tree: ast.Module) -> Iterator[str]:
    """`@click.option("--flag", ...)` of the function `serve`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "serve":
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("option"):
                    yield from _literals(decorator.args)


READERS: Mapping[str, Reader] = {
    "vllm": Reader(files=("vllm/engine/arg_utils.py", "vllm/entrypoints/openai/cli_args.py"), flags=_vllm),
    "sglang": Reader(files=("sglang/srt/server_args.py",), flags=_argparse),
    "tensorrt-llm": Reader(files=("tensorrt_llm/commands/serve.py",), flags=_click),
}


def read_flags(engine: str, source: Path) -> frozenset[str]:
    """Every flag that the engine's source defines.

    Raises:
        OperateError: if a file of definitions is not there.
    """
    reader = READERS[engine]
    found: set[str] = set()
    for name in reader.files:
        found |= set(reader.flags(ast.parse(_text(source, name))))
    return frozenset(found)


def _text(source: Path, name: str) -> str:
    try:
        if source.is_dir():
            return (source / name).read_text()
        with zipfile.ZipFile(source) as wheel:
            return wheel.read(name).decode()
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise OperateError(f"{source} has no {name}: {error}") from error


def write_flags(path: Path, engine: str, version: str, source: Path, origin: str | None = None) -> int:
    """Put a version's list into the data file; returns how many flags there are.

    With an `origin` of your own the list is of a source that is not the version's own, and marked as not complete.
    """
    flags = sorted(read_flags(engine, source))
    wheel = "" if source.is_dir() else f"{source.name}, sha256 {hashlib.sha256(source.read_bytes()).hexdigest()}"
    data = json.loads(path.read_text()) if path.exists() else {}
    data.setdefault(engine, {})[version] = {
        "flags": flags,
        "isComplete": origin is None,
        "origin": origin or wheel or f"the source of {version}",
    }
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    return len(flags)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m operate.engine_flags", description="Read an engine's arguments.")
    parser.add_argument("engine", choices=sorted(READERS))
    parser.add_argument("version")
    parser.add_argument("source", type=Path, help="wheel, or folder with the engine's package")
    parser.add_argument("--origin", help="where it is from, if it is not this version's own source")
    options = parser.parse_args()
    count = write_flags(DATA, options.engine, options.version, options.source, options.origin)
    print(f"{DATA.name}: {count} arguments of {options.engine} {options.version}")


if __name__ == "__main__":
    _main()
