"""A request through both roles: prefill computes its prompt, decode answers it, in a namespace as `test_smoke`'s.

llm-d's own picker and routing sidecar run from what the stack rendered. Cannot prove that a KV cache really moves: the
simulated engines have none, and only what the roles tell each other is seen.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from operate.smoke.namespace import is_skipped
from operate.smoke.run import AS_RENDERED, run_cases
from operate.workspace import ROOT
from settings import load_stack_file
from stacks.plan import plan_stack
from tests.support import faults

if is_skipped():
    pytest.skip("SMOKE=skip: no request was sent", allow_module_level=True)

VLLM, SGLANG = "qwen3-32b", "qwen3-8b"
CHECKS = ["at rest", "by request", "answers", "unknown model", "prefill/decode", "under load"]

Answer = dict[str, Any]


def _both_engines(folder: Path, release: str) -> Path:
    """The shipped example, with SGLang beside it and two servers of either role."""
    document = yaml.safe_load((ROOT / "examples" / "Pulumi.prefill-decode.yaml").read_text())
    document["config"]["llm-d:release"] = release
    document["config"]["llm-d:gpuPools"]["h100"]["maxSize"] = 2
    models = document["config"]["llm-d:models"]
    models[VLLM] |= {"replicas": 2, "parallelism": {"tensor": 2}, "prefill": {"replicas": 2}}
    models[SGLANG] = {"source": "hf://Qwen/Qwen3-8B", "engine": "sglang", "replicas": 2, "prefill": {"replicas": 2}}
    path = folder / "Pulumi.prefill-decode.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(scope="module")
def of_v0_9(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Both engines on line v0.9, as rendered and then with each fault."""
    stack = _both_engines(tmp_path_factory.mktemp("roles-v0-9"), "v0.9")
    plan = plan_stack(load_stack_file(stack))
    cases = [
        {"name": AS_RENDERED, "checks": CHECKS},
        faults.other_engines_connector(plan, VLLM, "sglang"),
        faults.no_decider(plan, SGLANG),
    ]
    return run_cases(stack, cases)


def _faults(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row["check"], row["subject"]): row["seen"] for row in rows if row["ok"] is False}


def _shared(answer: Answer) -> dict[str, str]:
    return {row["subject"]: row["seen"] for row in answer["cases"][AS_RENDERED] if row["check"] == "prefill/decode"}


def _ran(answer: Answer, kind: str) -> set[str]:
    return {program["ran"] for program in answer[kind]}


@pytest.mark.xdist_group("smoke-roles-v0.9")
def test_a_request_goes_through_both_roles(of_v0_9: Answer) -> None:
    """Each request, short or long, whole or streamed, is prefilled by another server than the one that answers."""
    assert _faults(of_v0_9["cases"][AS_RENDERED]) == {}
    assert {model: seen.rpartition(" ")[2] for model, seen in _shared(of_v0_9).items()} == {
        VLLM: "nixl",
        SGLANG: "sglang",
    }
    assert all(seen.startswith("4 requests, short and long, whole") for seen in _shared(of_v0_9).values())
    assert _ran(of_v0_9, "pickers") == {"llm-d-inference-scheduler v0.7.1, llm-d's own picker of the lines between"}
    assert _ran(of_v0_9, "sidecars") == {"pd-sidecar of llm-d-inference-scheduler v0.7.1"}


@pytest.mark.xdist_group("smoke-roles-v0.9")
@pytest.mark.parametrize(
    ("case", "model", "named"),
    [
        (
            "connector",
            VLLM,
            (
                " got no kv_transfer_params, but bootstrap_host, bootstrap_port, bootstrap_room:"
                " the sidecar does not speak nixl, as its engine does"
            ),
        ),
        ("decider", SGLANG, "the picker named no prefill server: there is no header x-prefiller-host-port"),
    ],
)
def test_what_keeps_a_role_out_is_named(of_v0_9: Answer, case: str, model: str, named: str) -> None:
    """Every request is answered 200 all the same, by decode alone: only this check fails, in these words."""
    found = _faults(of_v0_9["cases"][case])

    assert list(found) == [("prefill/decode", model)]
    assert found["prefill/decode", model].endswith(named)


@pytest.mark.xdist_group("smoke-roles-v0.4")
def test_the_older_line_shares_requests_too(tmp_path: Path) -> None:
    """Other plugins, flags and names of flags, for both engines."""
    answer = run_cases(_both_engines(tmp_path, "v0.4"), [{"name": AS_RENDERED, "checks": CHECKS}])

    assert _faults(answer["cases"][AS_RENDERED]) == {}
    assert sorted(_shared(answer)) == [VLLM, SGLANG]
