"""Texts that are a token by their looks; pure.

A token in a manifest is in the state, in the cluster's etcd, in every `kubectl describe` and in every golden.
"""

import re
from collections.abc import Mapping

__all__ = ["token_in"]

_TOKENS: Mapping[str, str] = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{20,}",
    "an API key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    "an NVIDIA API key": r"\bnvapi-[A-Za-z0-9_-]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
}
_ANY = re.compile("|".join(_TOKENS.values()))


def token_in(text: str) -> str | None:
    """What kind of token the text holds, by its looks; never the token itself."""
    if not _ANY.search(text):
        return None
    return next(kind for kind, pattern in _TOKENS.items() if re.search(pattern, text))
