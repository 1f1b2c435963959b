"""What moto lacks, kept by the stand-in: a file of the lab, for the plug-in is a process of each run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.locks import file_lock
from lab.process import write_private

__all__ = ["Store"]


class Store:
    """Records by key."""

    def __init__(self, root: Path) -> None:
        """Keep them below the lab's root."""
        self._file = root / "aws-store.json"

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._file.read_text()))
        except FileNotFoundError:
            return {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with file_lock(self._file.with_suffix(".lock")):
            records = self._read()
            yield records
            write_private(self._file, json.dumps(records, indent=1, sort_keys=True))

    def get(self, key: str) -> dict[str, Any] | None:
        """A record, or `None`."""
        found: dict[str, Any] | None = self._read().get(key)
        return found

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Set a record."""
        with self._changing() as records:
            records[key] = record

    def delete(self, key: str) -> None:
        """Forget a record."""
        with self._changing() as records:
            records.pop(key, None)

    def keys(self) -> list[str]:
        """Every key."""
        return sorted(self._read())
