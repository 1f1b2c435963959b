"""Stacks from nothing to answered requests: the rendered gateway and pickers, run for real in a namespace of their own.

`SMOKE=skip` leaves these out where a machine allows no user namespaces, and the run says so. Cannot prove what a GPU,
an engine's image or a cluster's network would do; the pickers are the nearest that can be built (smoke/translation.py).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from operate.__main__ import main
from operate.smoke.namespace import is_skipped
from operate.smoke.run import AS_RENDERED, run_cases
from operate.workspace import ROOT
from settings import load_stack_file
from stacks.plan import plan_stack
from tests.support import faults

if is_skipped():
    pytest.skip("SMOKE=skip: no request was sent", allow_module_level=True)

VLLM, SGLANG, TRTLLM = "qwen3-8b", "qwen3-14b", "qwen3-4b"
CORE = ["at rest", "by request", "answers", "unknown model", "under load", "load figures"]

Rows = dict[str, list[dict[str, Any]]]


def _two_engines(folder: Path, release: str, more: Mapping[str, dict[str, object]] = MappingProxyType({})) -> Path:
    """The shipped example, with a second SGLang pod to choose from, and more models, or more of the same."""
    document = yaml.safe_load((ROOT / "examples" / "Pulumi.two-engines.yaml").read_text())
    document["config"]["llm-d:release"] = release
    document["config"]["llm-d:models"][SGLANG]["replicas"] = 2
    document["config"]["llm-d:gpuPools"]["l4"]["maxSize"] = 3  # room for a pod of two GPUs while the others roll
    document["config"]["llm-d:models"] |= {
        name: {**document["config"]["llm-d:models"].get(name, {"source": "hf://Qwen/Qwen3-4B"}), **keys}
        for name, keys in more.items()
    }
    path = folder / "Pulumi.two-engines.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(scope="module")
def of_v0_4(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Both engines behind one gateway on line v0.4, as rendered and then with each fault, in one namespace."""
    stack = _two_engines(tmp_path_factory.mktemp("v0-4"), "v0.4")
    plan = plan_stack(load_stack_file(stack))
    cases: list[dict[str, Any]] = [
        {"name": AS_RENDERED},
        {"name": "verify", "checks": ["verify"]},
        faults.one_selector(plan, SGLANG, VLLM) | {"name": "verify, selector", "checks": ["verify"]},
        faults.other_engines_metrics(plan, SGLANG),
        faults.other_engines_path(plan, VLLM),
        faults.picker_of_another_model(plan, VLLM, SGLANG),
        faults.one_selector(plan, SGLANG, VLLM),
    ]
    return dict(run_cases(stack, cases)["cases"])


@pytest.fixture(scope="module")
def of_v0_9(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Three engines on line v0.9, whose picker is told by plugins and labels."""
    objectives = {"interactive": {"priority": 100}, "batch": {"priority": -10}}
    adapters: dict[str, object] = {"loraAdapters": {"support": {"source": "hf://example/support"}}}
    more: dict[str, dict[str, object]] = {
        TRTLLM: {"engine": "tensorrt-llm", "replicas": 2},
        # Not at the model whose picker is made blind: with flow control that one holds every request.
        VLLM: adapters | {"objectives": objectives},
        SGLANG: adapters | {"replicas": 2},
    }
    stack = _two_engines(tmp_path_factory.mktemp("v0-9"), "v0.9", more)
    plan = plan_stack(load_stack_file(stack))
    cases = [
        {"name": AS_RENDERED, "checks": [*CORE, "adapters", "objectives", "prefix affinity"]},
        faults.other_engines_plugins(plan, SGLANG),
        faults.plain_path(plan, TRTLLM),
        faults.missing_engine_label(plan, SGLANG),
    ]
    return dict(run_cases(stack, cases)["cases"])


def _faults(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row["check"], row["subject"]): row["seen"] for row in rows if row["ok"] is False}


@pytest.mark.xdist_group("smoke-v0.4")
def test_two_engines_behind_one_gateway_answer(of_v0_4: Rows) -> None:
    """Every check passes for both engines, and none is left out: each model has two pods to choose from."""
    rows = of_v0_4[AS_RENDERED]

    assert _faults(rows) == {}
    assert [row for row in rows if row["ok"] is None] == []
    assert len(rows) == 46


@pytest.mark.xdist_group("smoke-v0.4")
@pytest.mark.parametrize(
    ("case", "named"),
    [
        (
            "metric map",
            {
                (
                    "metric map",
                    SGLANG,
                ): "the picker reads vllm:num_requests_waiting and vllm:kv_cache_usage_perc, which",
                ("load figures", SGLANG): "queue or KV cache never moves",
            },
        ),
        (
            "metrics path",
            {
                ("metric map", VLLM): "/prometheus/metrics of pod",
                ("load figures", VLLM): "queue or KV cache never moves",
            },
        ),
        (
            "route",
            {
                ("route", VLLM): f"asks picker {SGLANG}-epp.llm-d.svc.cluster.local, and its pool's is {VLLM}-epp:",
                ("chat", VLLM): "HTTP 404",
                ("completion", VLLM): "HTTP 404",
                ("streaming", VLLM): "HTTP 404",
            },
        ),
        (
            "selector",
            {
                ("pool", SGLANG): f"its pool selects pods of {VLLM}: two pools with one selector",
                ("picker's pods", SGLANG): "the picker sees",
            },
        ),
    ],
)
def test_a_fault_of_upstream_is_found_and_named(of_v0_4: Rows, case: str, named: dict[tuple[str, str], str]) -> None:
    """With one object changed the checks of that fault fail, in words that name it, and no other does.

    A picker that cannot scrape counts its pods as ready for its first two seconds and not afterwards (GAIE 1.2,
    metrics-staleness-threshold): whether its count fails too depends on when it is asked.
    """
    found = _faults(of_v0_4[case])
    if case == "metrics path":
        found.pop(("picker's pods", VLLM), None)

    assert sorted(found) == sorted(named)
    assert [text for key, text in named.items() if text not in found[key]] == []


@pytest.mark.xdist_group("smoke-v0.4")
def test_the_command_verify_is_answered_by_a_cluster(of_v0_4: Rows) -> None:
    """As an operator runs it, with --json: success for the stack as rendered, and an error that names the fault."""
    (sound,), (faulty,) = of_v0_4["verify"], of_v0_4["verify, selector"]

    assert (sound["ok"], sound["seen"]) == (True, "exit 0, 25 of 25 checks passed")
    assert faulty["ok"] is False
    assert faulty["seen"].startswith("exit 1, ")
    assert f"pool of {SGLANG}: its pool selects pods of {VLLM}: two pools with one selector" in faulty["seen"]


@pytest.mark.xdist_group("smoke-v0.9")
def test_the_newer_line_answers_and_its_faults_are_found(of_v0_9: Rows) -> None:
    """Line v0.9 passes as rendered; names and path of another engine and a missing engine label are named."""
    assert _faults(of_v0_9[AS_RENDERED]) == {}
    assert [row["seen"] for row in of_v0_9[AS_RENDERED] if row["check"] == "objectives"] == [
        "3 of 3 requests of batch answered with priority -10",
        "3 of 3 requests of interactive answered with priority 100",
    ]
    adapters = [row["seen"] for row in of_v0_9[AS_RENDERED] if row["check"] == "adapters"]
    assert [seen.partition(": 200 by ")[0] for seen in adapters] == ["Qwen/Qwen3-14B:support", "support"]
    assert sorted(_faults(of_v0_9["plugins"])) == [("load figures", SGLANG), ("metric map", SGLANG)]
    path = _faults(of_v0_9["plain path"])
    assert {("load figures", TRTLLM), ("metric map", TRTLLM)} <= set(path)
    assert path["metric map", TRTLLM].startswith("/metrics of pod qwen3-4b-decode-")
    assert path["metric map", TRTLLM].endswith("(tensorrt-llm) is no metrics page (HTTP 200)")
    label = _faults(of_v0_9["engine label"])
    assert list(label) == [("engine label", SGLANG)]
    assert "2 of 2 pods have no label llm-d.ai/engine-type" in label["engine label", SGLANG]


@pytest.mark.xdist_group("smoke-single")
@pytest.mark.parametrize(("stack", "engine"), [("dev", "vllm"), (f"{ROOT}/examples/Pulumi.sglang.yaml", "sglang")])
def test_a_stack_of_one_engine_answers(stack: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command itself ends with success, and its data say what was read from which engine."""
    code = main(["smoke", "--stack", stack, "--json"])
    result = json.loads(capsys.readouterr().out)

    assert (code, _faults(result["rows"])) == (0, {})
    (map_row,) = [row for row in result["rows"] if row["check"] == "metric map"]
    assert map_row["seen"].startswith(f"{engine}: {engine}:")
    assert [picker["ran"] for picker in result["pickers"]] == [
        "GAIE EPP v1.5.0, the last before llm-d's router took its code over"
    ]
