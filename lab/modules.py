"""Where Go keeps the sources of the modules that a toolchain folder requires.

Their data files (custom resource definitions, kwok's stages) are used from
there, so that none is copied into the repository. The answer is kept in the
cache: a warm call starts no go.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from lab.golang import run_go
from lab.locks import file_lock
from lab.paths import TOOLCHAIN, cache_dir

__all__ = ["module_dir", "module_dirs"]

_DIRECT_REQUIREMENT = re.compile(r"^(?:require)?\s+([\w./~-]+\.[\w./~-]+) v\S+$", re.MULTILINE)


def _download(folder: Path, modules: list[str], say: Callable[[str], None]) -> dict[str, str]:
    output = run_go(["mod", "download", "-json", *modules], folder, say)
    decoder, position, found = json.JSONDecoder(), 0, {}
    while (position := len(output) - len(output[position:].lstrip())) < len(output):
        item, position = decoder.raw_decode(output, position)
        found[item["Path"]] = item["Dir"]
    return found


def _module_dirs(folder: Path, modules: list[str], say: Callable[[str], None]) -> dict[str, Path]:
    content = (folder / "go.mod").read_bytes() + (folder / "go.sum").read_bytes() + "\0".join(modules).encode()
    name = f"{folder.name}-{hashlib.sha256(content).hexdigest()[:16]}"
    answer = cache_dir() / "modules" / f"{name}.json"
    with file_lock(cache_dir() / "locks" / f"modules-{name}.lock"):
        known: dict[str, str] = json.loads(answer.read_text()) if answer.exists() else {}
        # The user may have cleaned Go's module cache since.
        if not known or not all(Path(path).is_dir() for path in known.values()):
            known = _download(folder, modules, say)
            answer.parent.mkdir(parents=True, exist_ok=True)
            partial = answer.with_suffix(".partial")
            partial.write_text(json.dumps(known, indent=1, sort_keys=True))
            partial.rename(answer)
    return {module: Path(path) for module, path in sorted(known.items())}


def module_dir(tool: str | Path, module: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of `module`'s sources, in the version that the toolchain folder `tool` asks for."""
    return _module_dirs(TOOLCHAIN / tool, [module], say)[module]


def module_dirs(tool: str | Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Path]:
    """The folders of every module that the toolchain folder `tool` requires directly, by module path."""
    folder = TOOLCHAIN / tool
    return _module_dirs(folder, _DIRECT_REQUIREMENT.findall((folder / "go.mod").read_text()), say)
