"""docs/engines.md: its worked example runs as it is written there, and its tables say what the program has.

What these tests cannot prove: that llm-d would take the engine; it does not exist.
"""

import re
import sys
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from components.endpoint_picker import build as build_picker
from components.model_service import build as build_servers
from engines import ENGINES, Engine, sglang, tensorrt_llm
from operate.workspace import ROOT
from releases import RELEASES
from settings import ConfigFaultsError, validate
from stacks import plan_stack
from stacks.plan import ModelPlan

TEXT = (ROOT / "docs" / "engines.md").read_text()
BLOCKS = dict(re.findall(r"<!-- block: (\w+) -->\n```\w*\n(.*?)```\n", TEXT, flags=re.DOTALL))


def _run(block: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec(compile(BLOCKS[block], f"docs/engines.md: {block}", "exec"), found)  # noqa: S102 - our own documentation
    return found


def _registered(monkeypatch: pytest.MonkeyPatch, registry: str, current: object, changed: object) -> None:
    """Put a registry in place wherever it was imported: the line that the documentation asks for."""
    for module in list(sys.modules.values()):
        # Not by getattr: it would load every module that waits for its first use.
        if vars(module).get(registry) is current:
            monkeypatch.setattr(module, registry, changed)


@pytest.fixture
def with_pelican(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program with the documented engine in it, as its registry line and its pins would put it there."""
    line = RELEASES["v0.9"]
    pinned = replace(line, engines=MappingProxyType({**line.engines, "pelican": _run("pins")["pins"]}))
    pelican = _run("adapter")["Pelican"]()
    _registered(monkeypatch, "ENGINES", ENGINES, MappingProxyType({**ENGINES, "pelican": pelican}))
    _registered(monkeypatch, "RELEASES", RELEASES, MappingProxyType({**RELEASES, "v0.9": pinned}))


def _model() -> ModelPlan:
    return plan_stack(validate(yaml.safe_load(BLOCKS["config"]))).models["qwen"]


def test_every_block_is_used() -> None:
    """The document has exactly the blocks that these tests run."""
    assert sorted(BLOCKS) == ["adapter", "command", "config", "extractor", "pins"]
    assert TEXT.count("<!-- block:") == len(BLOCKS)


@pytest.mark.usefixtures("with_pelican")
def test_the_servers_are_started_as_the_document_says() -> None:
    """Command, arguments, image, probes and engine label of the pod come from the documented adapter and pin."""
    template = build_servers(_model().service)[""]["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert [*container["command"], *container["args"]] == BLOCKS["command"].split()
    assert container["image"] == "registry.example.com/pelican/server:v2.1.0"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert template["metadata"]["labels"]["llm-d.ai/engine-type"] == "pelican"


@pytest.mark.usefixtures("with_pelican")
def test_the_picker_is_told_the_documented_map() -> None:
    """The extractor in the picker's config is the documented one, and the source asks the engine's path."""
    plugins = yaml.safe_load(build_picker(_model().picker)["config"]["data"]["plugins.yaml"])["plugins"]
    by_type = {plugin["type"]: plugin for plugin in plugins}

    assert by_type["core-metrics-extractor"] == yaml.safe_load(BLOCKS["extractor"])
    assert by_type["metrics-data-source"]["parameters"]["path"] == "/metrics"


@pytest.mark.usefixtures("with_pelican")
@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("extraArgs", ["--listen", "x"], "is set by this program itself; remove the argument"),
        (
            "image",
            "mirror.example.com/pelican/server:v1.9.0",
            "pelican 1.9.0 is too old: before it there are no metrics",
        ),
        (
            "prefill",
            {},
            "engine pelican cannot be disaggregated: Pelican keeps its KV cache to itself",
        ),
    ],
)
def test_the_rules_know_the_documented_engine(key: str, value: object, problem: str) -> None:
    """Reserved arguments, the floor of its version and what it cannot do are refused without a line more."""
    config = yaml.safe_load(BLOCKS["config"])
    config["models"]["qwen"][key] = value
    with pytest.raises(ConfigFaultsError) as raised:
        validate(config)

    assert problem in {fault.problem for fault in raised.value.faults}


def test_the_documented_engine_keeps_the_contract() -> None:
    """Whatever the contract of an engine asks for, the example has: a contract that grows takes it along."""
    pelican = _run("adapter")["Pelican"]

    asked = {name for name in vars(Engine) if not name.startswith("_")}
    assert {name for name in asked if not hasattr(pelican, name)} == set()


def test_without_the_registry_line_there_is_no_such_engine() -> None:
    """The documented engine is in no registry of the program itself."""
    with pytest.raises(ConfigFaultsError, match="unknown engine"):
        validate(yaml.safe_load(BLOCKS["config"]))


def test_every_workaround_is_in_the_table() -> None:
    """Each line of the adapters' tables is a row, with the version and the thread."""
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    tables = {"SGLang": sglang.WORKAROUNDS, "TensorRT-LLM": tensorrt_llm.WORKAROUNDS}

    missing = [
        workaround.thread
        for engine, workarounds in tables.items()
        for workaround in workarounds
        if not any(row.startswith(f"| {engine} | {workaround.since} |") and workaround.thread in row for row in rows)
    ]
    assert missing == []


def test_the_table_of_engines_names_every_pinned_version() -> None:
    """A pin that moves without the document is a failure."""
    rows = {line: row for row in TEXT.splitlines() for line in RELEASES if row.startswith(f"| line {line} |")}
    missing = [
        (line.name, pin.engine_version)
        for line in RELEASES.values()
        for pins in line.engines.values()
        for pin in pins.images.values()
        if pin.engine_version not in rows[line.name]
    ]

    assert missing == []
