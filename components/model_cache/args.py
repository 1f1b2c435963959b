"""What a ModelCache needs to know: plain data, so that its objects are built and judged without Pulumi."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from naming import ModelNames

__all__ = ["ModelCacheArgs"]


@dataclass(frozen=True, kw_only=True)
class ModelCacheArgs:
    """One model's cache."""

    namespace: str
    """Namespace of all objects."""
    model: str
    """Name of the model."""
    repository: str
    """`<org>/<model>` on Hugging Face."""
    revision: str | None
    """Commit, tag or branch; `None`: what `main` is when the Job runs."""
    size_bytes: int
    """Size of the claim, bytes: what the download may take."""
    download_bytes: int
    """What it is expected to take: the time budget follows from it."""
    storage_class: str
    """StorageClass of the claim; must offer ReadWriteMany."""
    image: str
    """Image with Python and huggingface_hub: the engine's own, so that who writes the cache reads it too."""
    token_secret: str | None = None
    """Secret with the key HF_TOKEN, for gated models."""
    pull_secrets: Sequence[str] = ()
    """Pull secrets."""

    @property
    def claim(self) -> str:
        """Name of the claim.

        Another revision or class is another claim, filled before the pods move to it and removed after: a claim can
        neither change its class nor be replaced while pods read it, and would have to hold both revisions.
        """
        return f"{ModelNames(model=self.model).weights}-{_digest(self.repository, self.revision, self.storage_class)}"


def _digest(*parts: str | None) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
