"""File locks that say whom they wait for.

`flock` is released by the kernel when its holder dies, so a crash never leaves
a lock behind. A lock file may be deleted by its holder (`lab down` removes the
whole folder), so the winner checks that it holds the file that the path names.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["file_lock"]

_POLL_SECONDS = 0.1


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _try_lock(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:  # `down` removed the folder between our mkdir and now
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same_file(descriptor, path):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


@contextmanager
def file_lock(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on `path`; `on_wait` is called once if somebody else has it."""
    waited = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = _try_lock(path)
        if descriptor is not None:
            break
        if not waited:
            waited = True
            on_wait()
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        os.close(descriptor)
