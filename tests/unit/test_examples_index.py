"""The index of the examples: what a user looks for is found there."""

import re
from pathlib import Path


def test_the_index_links_every_example_once() -> None:
    """No example is missing from examples/README.md, named twice, or gone."""
    linked = re.findall(r"\]\((Pulumi\.[^)]+)\)", Path("examples/README.md").read_text())

    assert sorted(linked) == sorted(path.name for path in Path("examples").glob("Pulumi.*.yaml"))
