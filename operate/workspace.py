"""A Pulumi project folder of its own for one run: the checkout's program, another stack config.

Rendering, tests and smoke runs need stacks that differ from the ones in the checkout without writing into it. The
program's files are linked, not copied: what runs is what is checked out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["PROGRAM", "ROOT", "Workspace", "read_stack_document"]

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

PROGRAM = (
    "Pulumi.yaml",
    "__main__.py",
    "catalog",
    "components",
    "engines",
    "naming.py",
    "policy",
    "releases",
    "settings",
    "stacks",
)
"""Files and folders that the program consists of, and its virtual environment beside them."""


def read_stack_document(path: Path) -> dict[str, Any]:
    """A stack's config file, as YAML."""
    document = yaml.safe_load(path.read_text())
    return document if isinstance(document, dict) else {}


class Workspace:
    """A project folder."""

    def __init__(self, folder: Path) -> None:
        """Lay the folder out; files that are there already stay."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*PROGRAM, ".venv"):
            link = folder / name
            if not link.is_symlink():
                link.symlink_to(ROOT / name)

    def write_stack(self, stack: str, config: Mapping[str, Any]) -> Path:
        """Write a stack's config; keys carry their namespace. An encryption salt that is there is kept."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        kept = read_stack_document(path) if path.exists() else {}
        path.write_text(yaml.safe_dump({**kept, "config": dict(config)}, sort_keys=True))
        return path
