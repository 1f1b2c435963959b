"""Where weights come from, how large they are and what a client calls the model.

What these tests cannot prove: that the repository or the claim exists.
"""

import pytest

from catalog import MODELS
from settings.source import ModelSource, SourceScheme, parse_source, served_name, weights_bytes
from tests.support.configs import faults, settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://Qwen/Qwen3-0.6B", ModelSource(scheme=SourceScheme.HF, location="Qwen/Qwen3-0.6B")),
        ("pvc://weights/a/b", ModelSource(scheme=SourceScheme.PVC, location="a/b", claim="weights")),
        ("pvc://w.x-1/a", ModelSource(scheme=SourceScheme.PVC, location="a", claim="w.x-1")),
        ("pvc://w/x..y/z", ModelSource(scheme=SourceScheme.PVC, location="x..y/z", claim="w")),
        ("hf://0a/B_c.d-e", ModelSource(scheme=SourceScheme.HF, location="0a/B_c.d-e")),
    ],
)
def test_a_source_is_scheme_and_location(text: str, expected: ModelSource) -> None:
    """Both schemes are taken apart; only a claim's source has a claim."""
    assert parse_source(text) == expected


UNKNOWN = "unknown source scheme"
NO_REPOSITORY = "is not hf://<org>/<model>"
NO_CLAIM = "is not pvc://<claim>/<path>"
BAD_SOURCES = [
    ("Qwen/Qwen3-0.6B", UNKNOWN),
    ("s3://bucket/key", UNKNOWN),
    ("HF://a/b", UNKNOWN),
    ("hf://", UNKNOWN),
    ("", UNKNOWN),
    ("hf://a/b\n", UNKNOWN),
    ("hf://a", NO_REPOSITORY),
    ("hf://a/b/c", NO_REPOSITORY),
    ("hf:///b", NO_REPOSITORY),
    ("hf://../b", NO_REPOSITORY),
    ("hf://a/b..c", NO_REPOSITORY),
    ("hf://a/-b", NO_REPOSITORY),
    ("hf://-a/b", NO_REPOSITORY),
    ("hf://a/b-", NO_REPOSITORY),
    ("hf://a/b--c", NO_REPOSITORY),
    ("hf://a/b.git", NO_REPOSITORY),
    ("hf://a/\u0663", NO_REPOSITORY),
    (f"hf://a/{'b' * 97}", NO_REPOSITORY),
    ("pvc://claim", NO_CLAIM),
    ("pvc://claim/", NO_CLAIM),
    ("pvc:///path", NO_CLAIM),
    ("pvc://Claim/path", NO_CLAIM),
    ("pvc://a..b/path", NO_CLAIM),
    (f"pvc://{'c' * 254}/path", NO_CLAIM),
    ("pvc://claim/a/../b", NO_CLAIM),
    ("pvc://claim/..", NO_CLAIM),
    ("pvc://claim/./a", NO_CLAIM),
    ("pvc://claim//a", NO_CLAIM),
    ("pvc://claim/a//b", NO_CLAIM),
    ("pvc://claim/a/", NO_CLAIM),
    ("pvc://claim/a b", NO_CLAIM),
]


@pytest.mark.parametrize("other", [{}, {"weights": "1Gi"}, {"servedName": "chat"}, {"weights": 1, "servedName": "c"}])
@pytest.mark.parametrize(("text", "problem"), BAD_SOURCES)
def test_a_bad_source_is_one_fault_whatever_else_is_said(text: str, problem: str, other: dict[str, object]) -> None:
    """Neither a size nor a name of the user's own makes a source that cannot be parsed pass."""
    (fault,) = faults({"models.qwen": {"source": text, **other}})

    assert (fault.path, fault.problem, fault.given) == ("models.qwen.source", problem, text)
    assert fault.allowed == "hf://<org>/<model>, pvc://<claim>/<path>"


@pytest.mark.parametrize("repository", MODELS)
def test_every_model_of_the_catalogue_is_a_source(repository: str) -> None:
    """The rule about repositories refuses none that is known to exist."""
    assert parse_source(f"hf://{repository}").location == repository


@pytest.mark.parametrize(("text", "problem"), BAD_SOURCES)
def test_what_is_no_source_is_refused(text: str, problem: str) -> None:
    """The scheme is judged first, then the form that it asks for."""
    with pytest.raises(ValueError, match=f"^{problem}$"):
        parse_source(text)


@pytest.mark.parametrize(
    ("changes", "name", "size"),
    [
        ({}, "Qwen/Qwen3-0.6B", 1_503_264_768),
        ({"models.qwen.weights": "2Gi"}, "Qwen/Qwen3-0.6B", 2**31),
        ({"models.qwen.servedName": "chat"}, "chat", 1_503_264_768),
        ({"models.qwen": {"source": "pvc://claim/a/b", "weights": 5}}, "qwen", 5),
    ],
)
def test_served_name_and_size_of_the_weights(changes: dict[str, object], name: str, size: int) -> None:
    """What the config says wins; else the repository names the model and the catalogue knows its size."""
    model = settings(changes).models["qwen"]

    assert (served_name("qwen", model), weights_bytes(model)) == (name, size)
