"""Options and ground of the whole suite."""

import pytest

from operate.crds import fetch_crds
from operate.lab_crds import lab_source
from releases import RELEASES


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-goldens`: the goldens are written anew instead of compared; read the diff before committing it."""
    parser.addoption("--write-goldens", action="store_true", help="write tests/golden anew instead of comparing")


@pytest.fixture(scope="session", autouse=True)
def crd_files() -> None:
    """The CRD files of every release line are on this machine, as `make up` and `make crds` leave it."""
    for release in RELEASES.values():
        fetch_crds(release, lab_source(release, print), print)
