"""Options and ground of the whole suite."""

import pytest
from _pytest.nodeid import NodeId

from operate.crds import fetch_crds
from operate.lab_crds import lab_source
from releases import RELEASES


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-goldens`: the goldens are written anew instead of compared; read the diff before committing it."""
    parser.addoption("--write-goldens", action="store_true", help="write tests/golden anew instead of comparing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one `xdist_group` run on one worker, and share its fixtures.

    pytest-xdist 3.8 appends the group to an attribute that pytest 9.2 no longer reads, so without this the groups are
    ignored and every worker starts what one would.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is not None and "@" not in item.nodeid:
            item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")


@pytest.fixture(scope="session", autouse=True)
def crd_files() -> None:
    """The CRD files of every release line are on this machine, as `make up` and `make crds` leave it."""
    for release in RELEASES.values():
        fetch_crds(release, lab_source(release, print), print)
