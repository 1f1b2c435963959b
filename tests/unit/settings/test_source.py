"""Where weights come from, how large they are and what a client calls the model.

What these tests cannot prove: that the repository or the claim exists.
"""

import re

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
        ("pvc+hf://w/a/b", ModelSource(scheme=SourceScheme.PVC_HF, location="a/b", claim="w")),
        ("pvc+hf://w/x/hub/a/b", ModelSource(scheme=SourceScheme.PVC_HF, location="a/b", claim="w", hub="x/hub")),
        ("oci://r.io/m:v1", ModelSource(scheme=SourceScheme.OCI, location="", image="r.io/m:v1")),
        ("oci://r.io/m:v1#a/b", ModelSource(scheme=SourceScheme.OCI, location="a/b", image="r.io/m:v1")),
        ("s3://my-bucket/a/b", ModelSource(scheme=SourceScheme.S3, location="my-bucket/a/b")),
    ],
)
def test_a_source_is_scheme_and_location(text: str, expected: ModelSource) -> None:
    """Each scheme is taken apart: claims, images and buckets are told from the paths in them."""
    assert parse_source(text) == expected


FORMS = (
    "hf://<org>/<model>, pvc://<claim>/<path>, pvc+hf://<claim>/[<path>/]<org>/<model>,"
    " oci://<registry>/<name>:<tag>[#<path>], s3://<bucket>/<path>"
)
UNKNOWN = "unknown source scheme"
NO_REPOSITORY = "is not hf://<org>/<model>"
NO_CLAIM = "is not pvc://<claim>/<path>"
NO_CACHE = "is not pvc+hf://<claim>/[<path>/]<org>/<model>"
NO_IMAGE = "is not oci://<registry>/<name>:<tag>[#<path>], with a tag that does not move or a digest"
NO_BUCKET = "is not s3://<bucket>/<path>"
BAD_SOURCES = [
    ("Qwen/Qwen3-0.6B", UNKNOWN),
    ("gs://bucket/key", UNKNOWN),
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
    ("pvc+hf://claim/model", NO_CACHE),
    ("pvc+hf://claim", NO_CACHE),
    ("pvc+hf://Claim/org/model", NO_CACHE),
    ("pvc+hf://claim/hub/../org/model", NO_CACHE),
    ("pvc+hf://claim//org/model", NO_CACHE),
    ("pvc+hf://claim/hub/org/model--x", NO_CACHE),
    ("oci://registry.example.com/model", NO_IMAGE),
    ("oci://registry.example.com/model:latest", NO_IMAGE),
    ("oci://registry.example.com/model:v1#", NO_IMAGE),
    ("oci://registry.example.com/model:v1#a/../b", NO_IMAGE),
    ("oci://Registry/Model:v1", NO_IMAGE),
    ("s3://bucket", NO_BUCKET),
    ("s3://bucket/", NO_BUCKET),
    ("s3://b/model", NO_BUCKET),
    ("s3://Bucket/model", NO_BUCKET),
    ("s3://my..bucket/model", NO_BUCKET),
    ("s3://bucket/a//b", NO_BUCKET),
]


@pytest.mark.parametrize("other", [{}, {"weights": "1Gi"}, {"servedName": "chat"}, {"weights": 1, "servedName": "c"}])
@pytest.mark.parametrize(("text", "problem"), BAD_SOURCES)
def test_a_bad_source_is_one_fault_whatever_else_is_said(text: str, problem: str, other: dict[str, object]) -> None:
    """Neither a size nor a name of the user's own makes a source that cannot be parsed pass."""
    (fault,) = faults({"models.qwen": {"source": text, **other}})

    assert (fault.path, fault.problem, fault.given) == ("models.qwen.source", problem, text)
    assert fault.allowed == FORMS


@pytest.mark.parametrize("repository", MODELS)
def test_every_model_of_the_catalogue_is_a_source(repository: str) -> None:
    """The rule about repositories refuses none that is known to exist."""
    assert parse_source(f"hf://{repository}").location == repository


@pytest.mark.parametrize(("text", "problem"), BAD_SOURCES)
def test_what_is_no_source_is_refused(text: str, problem: str) -> None:
    """The scheme is judged first, then the form that it asks for."""
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_source(text)


@pytest.mark.parametrize(
    ("changes", "name", "size"),
    [
        ({}, "Qwen/Qwen3-0.6B", 1_503_264_768),
        ({"models.qwen.weights": "2Gi"}, "Qwen/Qwen3-0.6B", 2**31),
        ({"models.qwen.servedName": "chat"}, "chat", 1_503_264_768),
        ({"models.qwen": {"source": "pvc://claim/a/b", "weights": 5}}, "qwen", 5),
        ({"models.qwen": {"source": "pvc+hf://claim/Qwen/Qwen3-0.6B"}}, "Qwen/Qwen3-0.6B", 1_503_264_768),
        ({"models.qwen": {"source": "oci://r.io/m:v1#a", "weights": 5}}, "qwen", 5),
    ],
)
def test_served_name_and_size_of_the_weights(changes: dict[str, object], name: str, size: int) -> None:
    """What the config says wins; else the repository names the model and the catalogue knows its size."""
    model = settings(changes).models["qwen"]

    assert (served_name("qwen", model), weights_bytes(model)) == (name, size)
