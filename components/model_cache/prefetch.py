"""Fills a model's cache; runs in a Job, with the Python of the engine's image.

Nothing but the standard library and huggingface_hub may be imported here: this file is all of the program that the
Job sees. A second run downloads what is missing and nothing else.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

IGNORED = ("original/*", "metal/*")
"""Copies of the weights in other formats, which no engine of ours reads (openai/gpt-oss-*, meta-llama/*)."""

TOO_LARGE = 3
"""Exit code that no retry will change."""


def main() -> int:
    """Download one revision of a repository, if it fits; its exit code."""
    hub: Any = importlib.import_module("huggingface_hub")
    repository, revision = os.environ["REPOSITORY"], os.environ.get("REVISION")
    limit = int(os.environ["LIMIT_BYTES"])
    info = hub.HfApi().model_info(repository, revision=revision, files_metadata=True)
    files = {file.rfilename: file.size or 0 for file in info.siblings if not _is_ignored(file.rfilename)}
    total = sum(files.values())
    print(f"{repository} at {info.sha}: {len(files)} files, {total} bytes", flush=True)
    if total > limit:
        print(f"they do not fit into the claim's {limit} bytes; set models.<name>.cache.size", file=sys.stderr)
        return TOO_LARGE
    folder = Path(hub.snapshot_download(repository, revision=revision, ignore_patterns=list(IGNORED)))
    wrong = [name for name, size in files.items() if not _has_size(folder / name, size)]
    if wrong:
        print(f"not as large as Hugging Face says: {', '.join(sorted(wrong))}", file=sys.stderr)
        return 1
    print(f"complete in {folder}")
    return 0


def _is_ignored(name: str) -> bool:
    return any(name.startswith(pattern.rstrip("*")) for pattern in IGNORED)


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


if __name__ == "__main__":
    sys.exit(main())
