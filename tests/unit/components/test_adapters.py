"""LoRA adapters from config to the engine's arguments, the pod's volumes, the picker's scorers and the routes.

What these tests cannot prove: that an engine loads them; `make smoke` asks a simulated one for them by name.
"""

from typing import Any

import pytest
import yaml

from components.endpoint_picker.config import plugins_config
from components.model_service import build
from stacks.plan import ModelPlan
from stacks.serving_layer import plan_summary
from tests.support.configs import plan

ADAPTERS = {
    "support": {"source": "hf://org/support"},
    "legal": {"source": "pvc://adapters/lora/legal", "rank": 33},
}
V0_9 = {"release": "v0.9"}


def _model(changes: dict[str, Any], adapters: dict[str, Any] | None = None) -> ModelPlan:
    return plan({**changes, "models.qwen.loraAdapters": ADAPTERS if adapters is None else adapters}).models["qwen"]


def _pod(model: ModelPlan) -> dict[str, Any]:
    pod: dict[str, Any] = build(model.service)[""]["spec"]["template"]["spec"]
    return pod


def _args(model: ModelPlan, first: str) -> list[str]:
    args: list[str] = _pod(model)["containers"][0]["args"]
    return args[args.index(first) :]


@pytest.mark.parametrize("line", ["v0.4", "v0.9"])
def test_vllm_is_told_of_every_adapter(line: str) -> None:
    """Each has a slot, the rank is the next that vLLM takes, and a claim's adapter is a path in the pod."""
    found = _args(_model({"release": line}), "--enable-lora")

    assert found == [
        *("--enable-lora", "--max-loras", "2", "--max-lora-rank", "64", "--lora-modules"),
        *("legal=/lora-adapters/adapters/lora/legal", "support=org/support"),
        "--disable-uvicorn-access-log",
    ]


@pytest.mark.parametrize("line", ["v0.4", "v0.9"])
def test_sglang_is_told_of_every_adapter(line: str) -> None:
    """The model itself takes a slot too, and a rank is taken as it is."""
    assert _args(_model({"release": line, "engine": "sglang"}), "--enable-lora") == [
        *("--enable-lora", "--max-loras-per-batch", "3", "--max-lora-rank", "33", "--lora-paths"),
        *("legal=/lora-adapters/adapters/lora/legal", "support=org/support"),
    ]


@pytest.mark.parametrize(("engine", "flag"), [("vllm", "--max-loras"), ("sglang", "--max-loras-per-batch")])
def test_many_adapters_take_turns_on_the_gpu(engine: str, flag: str) -> None:
    """Past eight a slot for each would take too much of the KV cache's memory; all are served nevertheless."""
    adapters = {f"a{number}": {"source": f"hf://org/a{number}"} for number in range(9)}
    found = _args(_model({"engine": engine}, adapters), flag)

    assert (found[1], len([text for text in found if "=org/" in text])) == ("8", 9)


def test_a_claim_is_mounted_once() -> None:
    """Adapters of the claim that has the model are found beside it; another claim is a volume of its own."""
    changes = {"models.qwen.source": "pvc://shared/qwen", "models.qwen.weights": "1Gi"}
    beside = {"legal": {"source": "pvc://shared/legal"}, "support": {"source": "pvc://other/a"}}
    model = _model(changes, {**beside, "third": {"source": "pvc://other/b"}})
    pod = _pod(model)

    assert _args(model, "--lora-modules")[1:4] == [
        "legal=/model-cache/legal",
        "support=/lora-adapters/other/a",
        "third=/lora-adapters/other/b",
    ]
    assert [item for item in pod["volumes"] if item["name"].startswith("adapters")] == [
        {"name": "adapters-0", "persistentVolumeClaim": {"claimName": "other", "readOnly": True}}
    ]
    assert [item for item in pod["containers"][0]["volumeMounts"] if item["name"].startswith("adapters")] == [
        {"name": "adapters-0", "mountPath": "/lora-adapters/other", "readOnly": True}
    ]


def test_a_gated_adapter_takes_the_token() -> None:
    """A pod that reads its model from a claim has the token where it downloads an adapter, and only there."""
    changes = {
        "models.qwen.source": "pvc://shared/qwen",
        "models.qwen.weights": "1Gi",
        "huggingFace": {"tokenSecret": "hf"},
    }
    env = [
        [item["name"] for item in _pod(model)["containers"][0]["env"]] for model in (_model(changes), _without(changes))
    ]

    assert ["HF_TOKEN" in names for names in env] == [True, False]


def _without(changes: dict[str, Any]) -> ModelPlan:
    return _model(changes, {"legal": ADAPTERS["legal"]})


@pytest.mark.parametrize("line", ["v0.4", "v0.9"])
@pytest.mark.parametrize(("engine", "weight"), [("vllm", [2]), ("sglang", [])])
def test_the_picker_looks_for_the_adapter_where_the_engine_tells_it(line: str, engine: str, weight: list[int]) -> None:
    """SGLang tells no adapters: there the scorer would say the same of every server."""
    changes = {"release": line, "engine": engine}
    config = yaml.safe_load(plugins_config(_model(changes).picker))
    plain = yaml.safe_load(plugins_config(plan(changes).models["qwen"].picker))
    scorers = config["schedulingProfiles"][0]["plugins"]

    assert [item["weight"] for item in scorers if item["pluginRef"] == "lora-affinity-scorer"] == weight
    assert [item["type"] for item in config["plugins"] if item["type"] == "lora-affinity-scorer"] == [
        "lora-affinity-scorer" for _ in weight
    ]
    assert "lora-affinity-scorer" not in str(plain)


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("vllm", ["legal", "support"]),
        ("sglang", ["Qwen/Qwen3-0.6B:legal", "Qwen/Qwen3-0.6B:support"]),
    ],
)
def test_adapters_are_routed_by_the_name_that_the_engine_knows_them_by(engine: str, names: list[str]) -> None:
    """SGLang takes an adapter's name alone for the model's, and answers without the adapter."""
    model = _model({**V0_9, "engine": engine})

    assert list(model.route.served_names) == ["Qwen/Qwen3-0.6B", *names]
    assert plan_summary(model)["adapters"] == names
