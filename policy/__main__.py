"""The pack: the engine runs this folder. It only builds the pack, for serving one never returns.

The folder may have any name and lie anywhere, so it is imported as the package `policy` by its place.
"""

import importlib.util
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def _as_package() -> None:
    spec = importlib.util.spec_from_file_location(
        "policy", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)]
    )
    if spec is None or spec.loader is None:
        sys.exit(f"{_FOLDER} is no policy pack")
    module = importlib.util.module_from_spec(spec)
    sys.modules["policy"] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Serve the pack."""
    _as_package()
    from policy.analyzer import serve  # noqa: PLC0415 - only now is there such a package

    serve(version="0.1.0")


main()
