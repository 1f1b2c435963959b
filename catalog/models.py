"""Models whose size and shape are known, so that a plan can compute disks, timeouts and GPU fits before anything runs.

Sizes are the bytes of the tensors that an engine loads, from the repository's own `model.safetensors.index.json`, or
computed from its published parameter counts; `source` says which. The files were not read on Hugging Face but as public
code and pages quote them. So each total was worked out a second time, from the shapes in config.json, and agrees to the
byte; the exceptions are DeepSeek (too many shapes) and Mistral (its vision tower was not worked out).

A repository can hold more than that: openai/gpt-oss-* carries its weights three times (`original/`, `metal/`) and
Mistral ships a consolidated copy. How much of it lands on disk is up to the engine's download filter, so a volume needs
room to spare.

A model that is missing here is no error: config then states `weights` itself. A wrong row would be worse than none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["MODELS", "Dtype", "Model"]


class Dtype(StrEnum):
    """The format in which most of the weights are stored."""

    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FP8 = "fp8"
    MXFP4 = "mxfp4"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """One model repository on Hugging Face."""

    repo: str
    """Repository id, letter case as published."""
    weights_bytes: int
    """Bytes of the tensors that an engine loads; not the size of the repository."""
    parameters: str
    """Parameter count as people say it; for messages only."""
    dtype: Dtype
    """The format of most weights; embeddings and norms often keep a wider one."""
    gated: bool
    """Whether the download needs a token of an account that has accepted the licence."""
    source: str
    """Where the size is from."""
    as_of: str
    """The day on which the source was read."""
    attention_heads: int
    """Query heads; tensor parallelism must divide it."""
    kv_heads: int
    """Key and value heads; tensor parallelism beyond it copies the cache instead of splitting it."""
    layers: int
    """Transformer layers; pipeline parallelism splits these."""
    head_dim: int
    """Width of one query and key head."""
    max_context: int
    """Longest sequence in tokens: config.json's `max_position_embeddings`, unless `source` says otherwise."""
    kv_latent_dim: int | None = None
    """Width of the one latent that multi-head latent attention caches per token and layer; None for other attention."""

    @property
    def kv_elements_per_token(self) -> int:
        """Return how many numbers the KV cache holds per token, over all layers.

        An upper bound for models with sliding-window layers (gpt-oss): those layers forget old tokens.
        """
        per_layer = 2 * self.kv_heads * self.head_dim if self.kv_latent_dim is None else self.kv_latent_dim
        return self.layers * per_layer


_READ_ON = "2026-11-23"
_INDEX = "total_size of the repository's model.safetensors.index.json"
_DEEPSEEK = (
    "computed: 680,571,043,840 F8_E4M3 x 1 + 3,918,786,560 BF16 x 2 + 41,555,600 F32 x 4 bytes, the safetensors "
    "metadata of DeepSeek-V3 and R1, multi-token-prediction layer included; "
)


def _qwen3(
    name: str, weights_bytes: int, parameters: str, *, heads: int, kv_heads: int, layers: int, max_context: int = 40960
) -> Model:
    return Model(
        repo=f"Qwen/{name}",
        weights_bytes=weights_bytes,
        parameters=parameters,
        dtype=Dtype.BFLOAT16,
        gated=False,
        source=_INDEX,
        as_of=_READ_ON,
        attention_heads=heads,
        kv_heads=kv_heads,
        layers=layers,
        head_dim=128,
        max_context=max_context,
    )


def _llama(repo: str, weights_bytes: int, parameters: str, *, heads: int, layers: int, source: str) -> Model:
    return Model(
        repo=f"meta-llama/{repo}",
        weights_bytes=weights_bytes,
        parameters=parameters,
        dtype=Dtype.BFLOAT16,
        gated=True,
        source=source,
        as_of=_READ_ON,
        attention_heads=heads,
        kv_heads=8,
        layers=layers,
        head_dim=128,
        max_context=131072,
    )


def _gpt_oss(repo: str, weights_bytes: int, parameters: str, *, layers: int) -> Model:
    return Model(
        repo=f"openai/{repo}",
        weights_bytes=weights_bytes,
        parameters=parameters,
        dtype=Dtype.MXFP4,
        gated=False,
        source=_INDEX,
        as_of=_READ_ON,
        attention_heads=64,
        kv_heads=8,
        layers=layers,
        head_dim=64,
        max_context=131072,
    )


def _deepseek(repo: str, source: str, *, max_context: int) -> Model:
    return Model(
        repo=f"deepseek-ai/{repo}",
        weights_bytes=688_574_839_360,
        parameters="671B (37B active)",
        dtype=Dtype.FP8,
        gated=False,
        source=_DEEPSEEK + source,
        as_of=_READ_ON,
        attention_heads=128,
        kv_heads=128,
        layers=61,
        head_dim=192,  # 128 without and 64 with rotary position; values are 128 wide
        max_context=max_context,
        kv_latent_dim=576,  # kv_lora_rank 512 + qk_rope_head_dim 64
    )


_ROWS = (
    # The 0.6B file stores its tied output layer a second time, hence more bytes than 0.6B x 2.
    Model(
        repo="Qwen/Qwen3-0.6B",
        weights_bytes=1_503_264_768,
        parameters="0.6B",
        dtype=Dtype.BFLOAT16,
        gated=False,
        source="tensor bytes of the repository's only weight file, model.safetensors (1,503,300,328 with its header)",
        as_of=_READ_ON,
        attention_heads=16,
        kv_heads=8,
        layers=28,
        head_dim=128,
        max_context=40960,
    ),
    _qwen3("Qwen3-4B", 8_044_936_192, "4.0B", heads=32, kv_heads=8, layers=36),
    _qwen3("Qwen3-8B", 16_381_470_720, "8.2B", heads=32, kv_heads=8, layers=36),
    _qwen3("Qwen3-14B", 29_536_614_400, "14.8B", heads=40, kv_heads=8, layers=40),
    _qwen3("Qwen3-32B", 65_524_246_528, "32.8B", heads=64, kv_heads=8, layers=64),
    _qwen3("Qwen3-30B-A3B", 61_064_245_248, "30.5B (3.3B active)", heads=32, kv_heads=4, layers=48),
    _qwen3(
        "Qwen3-30B-A3B-Instruct-2507",
        61_064_245_248,
        "30.5B (3.3B active)",
        heads=32,
        kv_heads=4,
        layers=48,
        max_context=262144,
    ),
    _llama("Llama-3.1-8B-Instruct", 16_060_522_496, "8.0B", heads=32, layers=32, source=_INDEX),
    _llama("Llama-3.1-70B-Instruct", 141_107_412_992, "70.6B", heads=64, layers=80, source=_INDEX),
    _llama(
        "Llama-3.3-70B-Instruct",
        141_107_412_992,
        "70.6B",
        heads=64,
        layers=80,
        source="computed: 70,553,706,496 BF16 parameters (safetensors metadata) x 2 bytes",
    ),
    Model(
        repo="RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
        weights_bytes=72_669_806_592,
        parameters="70.6B",
        dtype=Dtype.FP8,
        gated=False,
        source=(
            "computed: 68,451,041,280 F8_E4M3 x 1 + 2,109,382,656 BF16 x 2 bytes; the BF16 part is the embeddings, the "
            "output layer, the norms and one scale per output channel"
        ),
        as_of=_READ_ON,
        attention_heads=64,
        kv_heads=8,
        layers=80,
        head_dim=128,
        max_context=131072,
    ),
    _gpt_oss("gpt-oss-20b", 13_761_264_768, "20.9B (3.6B active)", layers=24),
    _gpt_oss("gpt-oss-120b", 65_248_815_744, "116.8B (5.1B active)", layers=36),
    _deepseek(
        "DeepSeek-R1-0528", "R1-0528 keeps R1's architecture and its 684.5B stored parameters", max_context=163840
    ),
    _deepseek(
        "DeepSeek-V3.1",
        "V3.1 stores the same 684,531,386,000 parameters; max_context is the model card's 128K",
        max_context=131072,
    ),
    Model(
        repo="mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        weights_bytes=48_022_722_560,
        parameters="24.0B",
        dtype=Dtype.BFLOAT16,
        gated=False,
        source="computed: 24,011,361,280 BF16 parameters (safetensors metadata, vision tower included) x 2 bytes",
        as_of=_READ_ON,
        attention_heads=32,
        kv_heads=8,
        layers=40,
        head_dim=128,
        max_context=131072,
    ),
    Model(
        repo="microsoft/Phi-4-mini-instruct",
        weights_bytes=7_672_043_520,
        parameters="3.8B",
        dtype=Dtype.BFLOAT16,
        gated=False,
        source="computed: 3,836,021,760 BF16 parameters x 2 bytes; its two weight files are 7,672,066,216 with headers",
        as_of=_READ_ON,
        attention_heads=24,
        kv_heads=8,
        layers=32,
        head_dim=128,
        max_context=131072,
    ),
    Model(
        repo="facebook/opt-125m",
        weights_bytes=250_478_592,
        parameters="125M",
        dtype=Dtype.FLOAT16,
        gated=False,
        source="computed: 125,239,296 FP16 parameters x 2 bytes; pytorch_model.bin is 250,540,281 with its header",
        as_of=_READ_ON,
        attention_heads=12,
        kv_heads=12,
        layers=12,
        head_dim=64,
        max_context=2048,
    ),
)

MODELS: Mapping[str, Model] = MappingProxyType({row.repo: row for row in _ROWS})
"""Every known model by its Hugging Face repository id."""
