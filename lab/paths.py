"""Where the lab keeps things.

The cache (built tools) is shared by all checkouts; the home (one running lab)
belongs to one checkout. Nothing here creates a folder.
"""

import os
from pathlib import Path

__all__ = ["CHECKOUT", "TOOLCHAIN", "cache_dir", "lab_home"]

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLCHAIN = CHECKOUT / "lab" / "toolchain"


def cache_dir() -> Path:
    """The folder of built tools: `LAB_CACHE`, else `llm-d-lab` in the user's cache folder."""
    if override := os.environ.get("LAB_CACHE"):
        return Path(override).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(base).expanduser() / "llm-d-lab").absolute()


def lab_home() -> Path:
    """The root of the checkout's lab: `LAB_HOME`, else `.lab` in the checkout."""
    if override := os.environ.get("LAB_HOME"):
        return Path(override).expanduser().absolute()
    return CHECKOUT / ".lab"
