"""Quantities as Kubernetes writes them.

What these tests cannot prove: that Kubernetes writes every quantity so; the lab's LeaderWorkerSet controller does.
"""

import pytest

from components.quantities import canonical


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("20480Mi", "20Gi"),
        ("1025Mi", "1025Mi"),
        ("1048576Mi", "1Ti"),
        ("770Gi", "770Gi"),
        ("8", "8"),
    ],
)
def test_a_size_has_the_largest_suffix_that_leaves_it_whole(given: str, expected: str) -> None:
    """Wherever it is in the spec: a limit, a request, or the size of a volume."""
    spec = {
        "containers": [{"resources": {"requests": {"memory": given}, "limits": {"memory": given}}}],
        "volumes": [{"emptyDir": {"sizeLimit": given}}],
    }

    assert canonical(spec) == {
        "containers": [{"resources": {"requests": {"memory": expected}, "limits": {"memory": expected}}}],
        "volumes": [{"emptyDir": {"sizeLimit": expected}}],
    }


@pytest.mark.parametrize(("given", "expected"), [("4000m", "4"), ("0.5", "500m"), ("3528m", "3528m"), ("8", "8")])
def test_cpu_is_whole_or_in_millicores(given: str, expected: str) -> None:
    """Whatever a user wrote."""
    assert canonical({"resources": {"requests": {"cpu": given}}}) == {"resources": {"requests": {"cpu": expected}}}


def test_nothing_else_is_touched() -> None:
    """An argument may look like a quantity."""
    spec = {"args": ["--size", "1024Mi"], "env": [{"name": "cpu", "value": "4000m"}], "replicas": 2}

    assert canonical(spec) == spec
