"""The graph of a stack, its Mermaid text, and the files that the command writes.

What these tests cannot prove: that the graph shows what a reader looks for; somebody has to look at it.
"""
# ruff: noqa: RUF001 - the sign between two numbers is no letter x

import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from operate.__main__ import main
from operate.errors import OperateError
from operate.stack_files import load_stack
from operate.topology import draw, words
from operate.topology.draw import stack_name
from operate.topology.graph import Gateway, Model, NodePool, Picker, Topology
from operate.topology.mermaid import mermaid
from operate.topology.svg import svg
from operate.workspace import ROOT
from stacks import plan_stack
from tests.support.topologies import (
    DEV,
    EXAMPLES,
    TWO_ENGINES,
    graph_of_config,
    graph_of_file,
    served_as,
    twenty_models,
)


def test_the_graph_of_two_engines() -> None:
    """Each model has its engine, path, picker, InferencePool and GPUs; both share the nodes that hold them."""
    assert graph_of_file(TWO_ENGINES) == Topology(
        stack="two-engines",
        release="v0.4",
        namespace="llm-d",
        gateway=Gateway(
            name="inference-gateway",
            provider="standalone",
            protocol="HTTP",
            port=80,
            load_balancer=False,
            proxies=2,
        ),
        models=(
            Model(
                name="qwen3-14b",
                served_name="Qwen/Qwen3-14B",
                path="/qwen3-14b",
                picker=Picker(name="qwen3-14b-epp", replicas=1, failure_mode="FailClose"),
                inference_pool="qwen3-14b",
                engine="sglang",
                image="docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
                replicas=1,
                gpus_per_replica=2,
                node_pool="l4",
            ),
            Model(
                name="qwen3-8b",
                served_name="Qwen/Qwen3-8B",
                path="/qwen3-8b",
                picker=Picker(name="qwen3-8b-epp", replicas=1, failure_mode="FailClose"),
                inference_pool="qwen3-8b",
                engine="vllm",
                image="docker.io/vllm/vllm-openai:v0.12.0",
                replicas=2,
                gpus_per_replica=1,
                node_pool="l4",
            ),
        ),
        node_pools=(
            NodePool(
                name="l4",
                instance_type="g6.12xlarge",
                gpu="L4",
                gpus_per_node=4,
                min_nodes=0,
                max_nodes=2,
                needed_nodes=1,
                mig_profile=None,
                shared_by=1,
                unit="GPU",
                used=4,
                total=8,
            ),
        ),
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=stack_name)
def test_the_graph_has_the_gpus_of_the_plan(path: Path) -> None:
    """All GPUs of every model, also where a replica is several pods or a pod several copies."""
    graph, plan = graph_of_file(path), plan_stack(load_stack(path))

    assert sum(model.gpus for model in graph.models) == sum(model.service.gpus for model in plan.models.values())
    assert {pool.name: pool.used for pool in graph.node_pools} == {
        name: sum(pool["gpusOfModels"].values())  # type: ignore[attr-defined]
        for name, pool in plan.pools.items()
    }


def test_a_replica_of_several_nodes_needs_as_many() -> None:
    """Each of its pods has a node's GPUs: packed pod by pod, and drawn as what the replica takes in all."""
    graph = graph_of_file(ROOT / "examples" / "Pulumi.wide-ep.yaml")

    assert [(model.gpus_per_replica, model.pods_per_replica) for model in graph.models] == [(16, 2)]
    assert [(pool.used, pool.needed_nodes) for pool in graph.node_pools] == [(16, 2)]


def test_a_gateway_of_a_controller_has_no_number_of_proxies() -> None:
    """With Istio the controller makes the proxies; address, listener and exposure are the stack's."""
    assert graph_of_file(ROOT / "examples" / "Pulumi.istio.yaml").gateway == Gateway(
        name="inference-gateway-istio",
        provider="istio",
        protocol="HTTPS",
        port=443,
        load_balancer=True,
        proxies=None,
    )


@pytest.mark.parametrize(
    ("example", "hardware", "demand", "usage"),
    [
        ("production", "8 × H100 per node", "3 replicas × 4 GPUs", "12 of 16 GPUs"),
        ("mig", "8 × A100-40, cut 3g.20gb", "4 replicas × 1 MIG slice", "4 of 16 MIG slices"),
        ("shared-gpus", "1 × T4, shared by 4", "1 replica × 1 GPU share", "2 of 4 GPU shares"),
    ],
)  # fmt: skip
def test_gpus_are_counted_in_what_replicas_ask_for(example: str, hardware: str, demand: str, usage: str) -> None:
    """Whole GPUs, MIG slices or shares, beside the GPUs that a node has."""
    graph = graph_of_file(ROOT / "examples" / f"Pulumi.{example}.yaml")
    pool = graph.node_pools[0]

    assert [words.hardware(pool), words.demand(graph.models[0], pool), words.usage(pool)] == [hardware, demand, usage]


@pytest.mark.parametrize(
    ("tensor", "replicas", "needed"),
    [(4, 1, 1), (4, 2, 1), (8, 2, 2), (4, 3, 2), (2, 9, 3)],
)
def test_needed_nodes_are_the_fewest(tensor: int, replicas: int, needed: int) -> None:
    """A replica never spans nodes, and nodes that no replica needs are not counted."""
    graph = graph_of_config(
        {
            "gpuPools": {"h100": {"instanceType": "p5.48xlarge", "maxSize": 9, "diskSizeGib": 3000}},
            "huggingFace": {"tokenSecret": "hugging-face"},
            "models.qwen": {
                "source": "hf://meta-llama/Llama-3.3-70B-Instruct",
                "replicas": replicas,
                "parallelism": {"tensor": tensor},
            },
        }
    )

    assert (graph.node_pools[0].needed_nodes, graph.node_pools[0].used) == (needed, tensor * replicas)


def test_a_pool_without_models_needs_no_node() -> None:
    """It is in the graph, and nothing of it is used."""
    spare = twenty_models().node_pools[-1]

    assert (spare.name, spare.needed_nodes, spare.used, spare.total) == ("spare", 0, 0, 12)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ('"];x', "#34;#93;#59;x"),
        ("<b>#quot;", "#60;b#62;#35;quot#59;"),
        ("*a*_b_`", "#42;a#42;#95;b#95;#96;"),
        ("a\nb", "a\N{REPLACEMENT CHARACTER}b"),
        ("模型", "模型"),
    ],
)
def test_mermaid_gets_no_syntax_from_a_name(name: str, shown: str) -> None:
    """Whatever would end a label, or be read as Markdown or HTML, is a character reference."""
    expected = shown.replace("\N{REPLACEMENT CHARACTER}", f"#{0xFFFD};")
    (line,) = [line for line in mermaid(served_as(name)).splitlines() if line.startswith("  model_qwen[")]

    assert line == f'  model_qwen["qwen<br/>serves {expected}<br/>vllm<br/>1 replica × 1 GPU"]'


def test_the_mermaid_text_of_the_dev_stack() -> None:
    """Every node with its facts, one line for each model's way from gateway to nodes."""
    assert mermaid(graph_of_file(DEV)).splitlines() == [
        f"%% Stack dev: llm-d v0.9, namespace llm-d, 1 model on 1 node pool. {words.PLANNED}",
        "flowchart LR",
        '  gateway("inference-gateway<br/>standalone, 2 proxies<br/>HTTP, port 80<br/>inside the cluster")',
        '  picker_qwen3_0_6b{{"/qwen3-0-6b<br/>qwen3-0-6b-epp<br/>1 picker, FailClose"}}',
        '  model_qwen3_0_6b["qwen3-0-6b<br/>serves Qwen/Qwen3-0.6B<br/>vllm<br/>2 replicas × 1 GPU"]',
        "  gateway --> picker_qwen3_0_6b --> model_qwen3_0_6b -.-> nodes_l4",
        '  nodes_l4[("l4<br/>g6.xlarge<br/>1 × L4 per node<br/>2 of 3 nodes, minSize 2<br/>2 of 3 GPUs")]',
    ]


@pytest.mark.parametrize("stack", [DEV, TWO_ENGINES])
def test_the_committed_pictures_are_what_is_drawn(stack: Path, tmp_path: Path) -> None:
    """A picture in the documentation is `make topology STACK=... OUT=docs/img/<stack>.svg` of today."""
    drawing = draw(stack, tmp_path / "picture.svg")
    committed = ROOT / "docs" / "img" / f"{stack_name(stack)}.svg"

    assert committed.read_text(encoding="utf-8") == drawing.svg.read_text(encoding="utf-8")
    assert committed.with_suffix(".mmd").read_text(encoding="utf-8") == drawing.mermaid.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 5, "short"),
        ("abcdefghij", 9, "abcd…ghij"),
        ("abcdefghij", 8, "abcd…hij"),
        ("模型模型模型", 8, "模型…型"),
        ("模型", 4, "模型"),
    ],
)
def test_a_text_is_shortened_in_the_middle(text: str, columns: int, shown: str) -> None:
    """Names of one family differ at their ends; a wide character counts twice."""
    assert words.fitted(text, columns) == shown
    assert words.cells(shown) <= columns


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(1, "GPU", "1 GPU"), (0, "GPU", "0 GPUs"), (1, "proxy", "1 proxy"), (2, "proxy", "2 proxies")],
)
def test_counts_are_said_in_words(count: int, noun: str, said: str) -> None:
    """One has no plural."""
    assert words.counted(count, noun) == said


def test_the_command_draws_and_prints_the_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` is the graph on standard output; both files are written, in folders that it makes."""
    out = tmp_path / "new" / "picture.svg"

    assert main(["topology", "--stack", str(TWO_ENGINES), "--out", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == json.loads(json.dumps(asdict(graph_of_file(TWO_ENGINES))))
    assert captured.err == f"{out} and, for a README, {out.with_suffix('.mmd')}\n"
    assert sorted(path.name for path in out.parent.iterdir()) == ["picture.mmd", "picture.svg"]
    assert out.read_text(encoding="utf-8") == svg(graph_of_file(TWO_ENGINES))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """The name says the format; the sentence has the name to use."""
    with pytest.raises(OperateError) as raised:
        draw(DEV, tmp_path / "picture.png")

    assert str(raised.value) == (
        f"{tmp_path}/picture.png is not the name of an SVG file; name one such as {tmp_path}/picture.svg"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """The path that the system refused, and why."""
    (tmp_path / "picture.svg").mkdir()
    with pytest.raises(OperateError) as raised:
        draw(DEV, tmp_path / "picture.svg")

    assert str(raised.value) == f"cannot write {tmp_path}/picture.svg: Is a directory"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["STACK=a"], "-m operate topology --stack a"),
        (["STACK=a", "OUT=b.svg"], "-m operate topology --stack a --out b.svg"),
    ],
)
def test_make_passes_stack_and_out(arguments: list[str], command: str) -> None:
    """OUT is the user's alone: the folder that `make render` writes to is no default of a picture."""
    result = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "topology", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.splitlines()[-1].split() == [".venv/bin/python", *command.split()]
