"""The package's own surface.

These tests cannot prove that nobody imports a private name from outside; review and ruff's SLF001 do that.
"""

import subprocess
import sys

import catalog
import catalog.gpus
import catalog.instance_types
import catalog.models


def test_the_package_exports_all_that_its_modules_export() -> None:
    """Whatever a module declares public can be imported from `catalog` itself, each name once."""
    modules = (catalog.eks, catalog.gpus, catalog.instance_types, catalog.models, sys.modules["catalog.nearest"])
    public = [name for module in modules for name in module.__all__]

    assert sorted(catalog.__all__) == sorted(public)
    assert all(hasattr(catalog, name) for name in catalog.__all__)


def test_the_package_is_pure() -> None:
    """Importing the catalogue loads neither Pulumi nor pydantic, so engines and policy checks can use it anywhere."""
    loaded = "import sys, catalog; print(sorted({'pulumi', 'pydantic', 'yaml', 'httpx'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True)

    assert ran.stdout == "[]\n"
