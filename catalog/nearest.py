"""The "did you mean" of every error that names an unknown key."""

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `word`, or None when none is alike enough to be worth suggesting.

    Letter case is ignored, because model repositories mix it (`Qwen/Qwen3-8B`) and users rarely do. The answer depends
    on the set of names only, never on their order: the same typo must give the same message in every run.
    """
    by_folded = {name.casefold(): name for name in sorted(known)}
    matches = difflib.get_close_matches(word.casefold(), sorted(by_folded), n=1)
    return by_folded[matches[0]] if matches else None
