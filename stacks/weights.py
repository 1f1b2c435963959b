"""From a model's source to the args of what carries its weights: the servers' volume and the cache; pure."""

from components.model_cache import ModelCacheArgs
from components.model_service import Adapter, ObjectStorage, Weights
from naming import TOKEN_SECRET
from settings import StackSettings
from settings.disk import claim_bytes
from settings.models import ModelSettings
from settings.source import SourceScheme, parse_source, weights_bytes
from stacks.images import mirrored

__all__ = ["adapters_of", "cache_of", "token_secret_of", "weights_of"]


def cache_of(settings: StackSettings, name: str, image: str) -> ModelCacheArgs | None:
    """The cache of a model; `None` where it has none.

    Args:
        settings: The stack's.
        name: The model's.
        image: Image of the model's engine, mirror applied.
    """
    model = settings.models[name]
    if model.cache is None:
        return None
    found = settings.storage_classes[model.cache.storage_class]
    weights = weights_bytes(model) or 0
    return ModelCacheArgs(
        namespace=settings.namespace,
        model=name,
        repository=parse_source(model.source).location,
        revision=model.revision,
        size_bytes=model.cache.size or claim_bytes(weights, found.min_size),
        download_bytes=model.cache.size or claim_bytes(weights, None),
        storage_class=model.cache.storage_class,
        image=image,
        token_secret=token_secret_of(settings),
        pull_secrets=settings.images.pull_secrets,
    )


def weights_of(settings: StackSettings, model: ModelSettings, cache: ModelCacheArgs | None) -> Weights:
    """Where a model's servers get their weights."""
    source = parse_source(model.source)
    size = weights_bytes(model) or 0
    if cache is not None:
        # Who reads what is there needs no token.
        return Weights(model=cache.repository, size_bytes=size, revision=cache.revision, claim=cache.claim, hub="")
    return Weights(
        model=source.location,
        size_bytes=size,
        revision=model.revision,
        claim=source.claim,
        hub=source.hub if source.scheme is SourceScheme.PVC_HF else None,
        image=None if source.image is None else mirrored(source.image, settings.images),
        object_storage=_object_storage(settings) if source.scheme is SourceScheme.S3 else None,
        token_secret=token_secret_of(settings) if _asks_hugging_face(model) else None,
    )


def _asks_hugging_face(model: ModelSettings) -> bool:
    """Whether a pod downloads its model or an adapter."""
    sources = (model.source, *(adapter.source for adapter in model.lora_adapters.values()))
    return any(parse_source(source).scheme is SourceScheme.HF for source in sources)


def adapters_of(model: ModelSettings) -> tuple[Adapter, ...]:
    """A model's LoRA adapters, by name."""
    found = []
    for name, given in sorted(model.lora_adapters.items()):
        source = parse_source(given.source)
        found.append(Adapter(name=name, location=source.location, rank=given.rank, claim=source.claim))
    return tuple(found)


def _object_storage(settings: StackSettings) -> ObjectStorage:
    given = settings.object_storage
    return ObjectStorage(credentials_secret=given.credentials_secret, endpoint=given.endpoint, region=given.region)


def token_secret_of(settings: StackSettings) -> str | None:
    """Secret with the stack's token of Hugging Face; `None` where it has none."""
    hugging_face = settings.hugging_face
    return TOKEN_SECRET if hugging_face.token is not None else hugging_face.token_secret
