"""What the catalogue knows of a model, held against what the stack asks of it."""

from collections.abc import Iterator

from catalog import MODELS, Model
from engines import ENGINES
from settings.cluster import LayerName
from settings.faults import Fault
from settings.models import ModelSettings
from settings.rules.rule import Rule
from settings.source import SourceScheme, parse_source
from settings.stack import StackSettings
from settings.workloads import workloads_of

__all__ = ["RULES"]


def _attention_heads(settings: StackSettings) -> Iterator[Fault]:
    """Tensor parallelism splits attention by whole heads (vllm/config/model.py, verify_with_parallel_config)."""
    for name, model in settings.models.items():
        known, engine = _known(model), model.engine or settings.engine
        if known is None or engine not in ENGINES:
            continue
        for workload in workloads_of(name, model):
            tensor, heads = workload.parallelism.tensor, known.attention_heads
            if heads % tensor:
                yield Fault(
                    path=f"{workload.path}.parallelism.tensor",
                    problem=f"does not divide the {heads} attention heads of {known.repo}: {engine} would not start",
                    given=str(tensor),
                    allowed=", ".join(str(number) for number in range(1, heads + 1) if heads % number == 0),
                )


def _gated(settings: StackSettings) -> Iterator[Fault]:
    """What downloads a gated model has a token: each pod, or the Job that fills a cache. A claim holds weights."""
    access = settings.hugging_face
    if LayerName.SERVING not in settings.owned_layers or access.token is not None or access.token_secret is not None:
        return
    for name, model in settings.models.items():
        known, engine = _known(model), model.engine or settings.engine
        if known is None or not known.gated or engine not in ENGINES:
            continue
        if parse_source(model.source).scheme is SourceScheme.HF:
            yield Fault(
                path=f"models.{name}.source",
                problem="is gated: without a token Hugging Face refuses every download",
                given=model.source,
                allowed="huggingFace.tokenSecret or huggingFace.token, of an account that has accepted the licence",
            )


def _known(model: ModelSettings) -> Model | None:
    """The model's row; `None` where there is none, and where the source is a fault of its own."""
    try:
        repository = parse_source(model.source).repository
    except ValueError:
        return None
    return MODELS.get(repository) if repository is not None else None


RULES = (
    Rule(
        needs=frozenset({"engine"}),
        of_model=frozenset({"engine", "source", "parallelism", "prefill"}),
        check=_attention_heads,
    ),
    Rule(
        needs=frozenset({"engine", "huggingFace", "layers"}),
        of_model=frozenset({"engine", "source"}),
        check=_gated,
    ),
)
