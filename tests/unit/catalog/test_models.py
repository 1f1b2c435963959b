"""Models: sizes, shapes and sources.

These tests hold each row against its stated source and against itself. They cannot prove that a repository has not been
changed since, nor how many bytes an engine downloads besides the tensors that it loads, nor that a gate is still there.
"""

import datetime as dt

import pytest

from catalog import MODELS, Dtype, Model

_BYTES_PER_PARAMETER = {Dtype.BFLOAT16: 2.0, Dtype.FLOAT16: 2.0, Dtype.FP8: 1.0, Dtype.MXFP4: 0.5}


def test_the_models_of_llm_d_guides_are_known() -> None:
    """The models that llm-d's guides deploy need no `weights` in config."""
    assert {
        "Qwen/Qwen3-0.6B",
        "Qwen/Qwen3-32B",
        "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
        "deepseek-ai/DeepSeek-R1-0528",
        "openai/gpt-oss-120b",
    } <= set(MODELS)
    assert len(MODELS) == 18


@pytest.mark.parametrize(
    ("repo", "weights_bytes"),
    [
        ("Qwen/Qwen3-0.6B", 1_503_264_768),
        ("Qwen/Qwen3-32B", 65_524_246_528),
        ("meta-llama/Llama-3.1-8B-Instruct", 16_060_522_496),
        ("openai/gpt-oss-120b", 65_248_815_744),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 68_451_041_280 + 2 * 2_109_382_656),
        ("deepseek-ai/DeepSeek-R1-0528", 680_571_043_840 + 2 * 3_918_786_560 + 4 * 41_555_600),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", 2 * 24_011_361_280),
    ],
)
def test_weights_are_the_bytes_of_the_source(repo: str, weights_bytes: int) -> None:
    """The size is the source's number to the byte, or its parameter counts times their widths."""
    assert MODELS[repo].weights_bytes == weights_bytes


def test_a_row_is_whole() -> None:
    """A row that is spelled by a helper has every field of the published config."""
    assert MODELS["Qwen/Qwen3-32B"] == Model(
        repo="Qwen/Qwen3-32B",
        weights_bytes=65_524_246_528,
        parameters="32.8B",
        dtype=Dtype.BFLOAT16,
        gated=False,
        source="total_size of the repository's model.safetensors.index.json",
        as_of="2026-11-23",
        attention_heads=64,
        kv_heads=8,
        layers=64,
        head_dim=128,
        max_context=40960,
    )


def test_every_model_has_a_source_a_day_and_a_size() -> None:
    """No number stands without saying where it is from and when that was read."""
    for repo, model in MODELS.items():
        assert model.repo == repo
        assert model.weights_bytes > 0, repo
        assert model.source.startswith(("total_size of", "tensor bytes of", "computed: ")), repo
        assert dt.date.fromisoformat(model.as_of) <= dt.date(2026, 11, 23), repo


def test_size_agrees_with_parameters_and_dtype() -> None:
    """Bytes over the width of the dtype give about the stated parameter count: catches a lost digit or wrong dtype."""
    for repo, model in MODELS.items():
        said = model.parameters.split()[0]
        parameters = float(said[:-1]) * {"B": 1e9, "M": 1e6}[said[-1]]
        expected = parameters * _BYTES_PER_PARAMETER[model.dtype]

        assert 0.98 * expected < model.weights_bytes < 1.34 * expected, repo


def test_heads_divide_evenly() -> None:
    """Each key head serves a whole number of query heads, as grouped-query attention demands."""
    for repo, model in MODELS.items():
        assert model.attention_heads % model.kv_heads == 0, repo
        assert model.layers > 0, repo
        assert model.max_context >= 2048, repo


def test_exactly_metas_own_repositories_are_gated() -> None:
    """A token is asked for when a download would fail without one, and not otherwise."""
    assert {repo for repo, model in MODELS.items() if model.gated} == {
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.1-70B-Instruct",
        "meta-llama/Llama-3.3-70B-Instruct",
    }


@pytest.mark.parametrize(
    ("repo", "elements"),
    [
        ("Qwen/Qwen3-8B", 73_728),
        ("Qwen/Qwen3-30B-A3B", 49_152),
        ("meta-llama/Llama-3.3-70B-Instruct", 163_840),
        ("deepseek-ai/DeepSeek-R1-0528", 35_136),
    ],
)
def test_kv_cache_per_token(repo: str, elements: int) -> None:
    """Ordinary attention caches a key and a value per head; latent attention caches one latent, far less."""
    assert MODELS[repo].kv_elements_per_token == elements


def test_models_cannot_be_changed() -> None:
    """The table is shared by the whole program and cannot be written to."""
    with pytest.raises(TypeError):
        MODELS["x"] = MODELS["Qwen/Qwen3-8B"]  # type: ignore[index]
