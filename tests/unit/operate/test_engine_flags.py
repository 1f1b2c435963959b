"""Reading arguments out of an engine's source: literals of a syntax tree, nothing imported.

What these tests cannot prove: that a later version still defines its arguments in this way.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from operate.engine_flags import READERS, read_flags, write_flags
from operate.errors import OperateError

ARGPARSE = """
import torch_is_not_here

class ServerArgs:
    @staticmethod
    def add_cli_args(parser):
        group = parser.add_argument_group(title="--not-a-flag")
        group.add_argument("--tensor-parallel-size", "-tp", **kwargs["tensor_parallel_size"])
        parser.add_argument("model", type=str)
        for arg, type in [("--one", str), ("--two", bool)]:
            parser.add_argument(arg, type=type, help="--no-flag-either")
"""
FRONTEND = """
class FrontendArgs:
    host: str | None = None
    uvicorn_log_level: str = "info"
    def add_cli_args(self, parser): ...

class Other:
    not_an_argument: int = 0
"""
CLICK = """
import click

@click.command("serve")
@click.option("--tensor_parallel_size", "--tp_size", type=int)
@click.option("--config", "--extra_llm_api_options", "extra_llm_api_options")
def serve(): ...

@click.command("other")
@click.option("--of-another-command")
def other(): ...
"""
SOURCES = {
    "vllm": {"vllm/engine/arg_utils.py": ARGPARSE, "vllm/entrypoints/openai/cli_args.py": FRONTEND},
    "sglang": {"sglang/srt/server_args.py": ARGPARSE},
    "tensorrt-llm": {"tensorrt_llm/commands/serve.py": CLICK},
}
PARSED = {"--tensor-parallel-size", "-tp", "--one", "--two"}
FLAGS = {
    "vllm": PARSED | {"--host", "--uvicorn-log-level"},
    "sglang": PARSED,
    "tensorrt-llm": {"--tensor_parallel_size", "--tp_size", "--config", "--extra_llm_api_options"},
}


def _folder(engine: str, folder: Path) -> Path:
    for name, text in SOURCES[engine].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _wheel(engine: str, folder: Path) -> Path:
    path = folder / "engine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in SOURCES[engine].items():
            wheel.writestr(name, text)
    return path


@pytest.mark.parametrize("engine", sorted(READERS))
@pytest.mark.parametrize("make", [_folder, _wheel], ids=["folder", "wheel"])
def test_the_flags_of_an_engine_are_the_literals_of_its_definitions(
    engine: str, make: Callable[[str, Path], Path], tmp_path: Path
) -> None:
    """Names and aliases are found, in a wheel as in a folder; titles, help texts and other commands are not."""
    assert read_flags(engine, make(engine, tmp_path)) == FLAGS[engine]


def test_a_list_is_added_to_the_data_with_its_origin(tmp_path: Path) -> None:
    """Other versions stay; a wheel is its own origin, and a source of another version makes the list incomplete."""
    data = tmp_path / "flags.json"
    (tmp_path / "a").mkdir()
    wheel = _wheel("sglang", tmp_path / "a")

    assert write_flags(data, "sglang", "1.0", wheel) == 4
    assert write_flags(data, "sglang", "1.1", _folder("sglang", tmp_path / "b"), origin="main") == 4
    lists = json.loads(data.read_text())["sglang"]
    assert {version: (item["isComplete"], item["origin"][:26]) for version, item in lists.items()} == {
        "1.0": (True, wheel.name[:26]),
        "1.1": (False, "main"),
    }
    assert lists["1.0"]["flags"] == ["--one", "--tensor-parallel-size", "--two", "-tp"]


@pytest.mark.parametrize("is_wheel", [True, False])
def test_a_source_without_definitions_is_refused(is_wheel: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    """A file of another engine is an error that names what is missing, not an empty list."""
    source = _wheel("sglang", tmp_path) if is_wheel else _folder("sglang", tmp_path)
    with pytest.raises(OperateError, match=r"has no vllm/engine/arg_utils\.py"):
        read_flags("vllm", source)
