"""The mocked engine of one test."""

from collections.abc import Iterator

import pytest

from tests.support.pulumi_mocks import Recorder, mocked


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Mocks of this test alone: alone, in any order and in any number of processes the result is the same."""
    with mocked() as monitor:
        yield monitor
