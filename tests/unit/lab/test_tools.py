"""The cache key: what must, and what must not, lead to a new build."""

import dataclasses
import platform
from pathlib import Path

import pytest

from lab.tools import TOOLS, Tool, cache_key


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """A tool whose module can be edited."""
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_text(name)
    return Tool(name="tiny", module=tmp_path, version="v1", binaries=(("tiny", "."),))


def test_the_same_sources_elsewhere_have_the_same_key(tool: Tool, tmp_path: Path) -> None:
    """A second checkout builds nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("go.mod", "go.sum", "main.go"):
        (elsewhere / name).write_text(name)

    assert cache_key(dataclasses.replace(tool, module=elsewhere)) == cache_key(tool)


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_a_changed_source_changes_the_key(tool: Tool, name: str) -> None:
    """Each file that decides the binary decides the key."""
    before = cache_key(tool)
    (tool.module / name).write_text("changed")

    assert cache_key(tool) != before


@pytest.mark.parametrize(
    "change",
    [{"ldflags": "-s"}, {"binaries": (("other", "."),)}, {"module_files": (("m", "f"),)}, {"scripts": (("s", "t"),)}],
)
def test_changed_flags_change_the_key(tool: Tool, change: dict[str, str]) -> None:
    """So does everything else that the build is told."""
    assert cache_key(dataclasses.replace(tool, **change)) != cache_key(tool)  # type: ignore[arg-type]


def test_another_platform_has_another_key(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder shared by machines of two kinds serves both."""
    before = cache_key(tool)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    assert cache_key(tool) != before


def test_every_tool_has_its_module() -> None:
    """Every tool of the table has a module folder with pinned checksums."""
    assert sorted(TOOLS) == [
        "epp-gaie-1.2",
        "epp-gaie-1.5",
        "etcd",
        "istiod",
        "kubectl",
        "kubernetes",
        "kwok",
        "llm-d-inference-scheduler",
        "llm-d-inference-sim",
        "lws",
        "pulumi",
        "pulumi-resource-kubernetes",
    ]
    assert all((tool.module / "go.sum").is_file() for tool in TOOLS.values())
