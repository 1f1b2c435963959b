"""What a config may not bring into a manifest: images that nobody named, tokens that are written out.

What these tests cannot prove: that a digest is the one of the image; only its registry knows.
"""

import pytest

from settings import Fault
from tests.support.configs import faults, plan

DIGEST = f"sha256:{'a' * 64}"
CUDA = "ghcr.io/llm-d/llm-d-cuda:v0.4.0"
TOKEN = "hf_" + "a" * 34
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}


def test_a_digest_goes_behind_the_tag_of_its_image_in_the_mirror() -> None:
    """The engine is pulled from the mirror by the digest; an image without one keeps its tag alone."""
    planned = plan({"images": {"registry": "mirror.example.com/all", "digests": {CUDA: DIGEST}}}).models["qwen"]

    assert planned.service.image == f"mirror.example.com/all/llm-d/llm-d-cuda:v0.4.0@{DIGEST}"
    assert planned.picker.image == "mirror.example.com/all/llm-d/llm-d-inference-scheduler:v0.4.0"


def test_a_digest_of_an_image_of_the_config_itself_is_taken() -> None:
    """An image that only this config names can have a digest, too."""
    changes = {"engine": "custom", "models.qwen.custom": CUSTOM, "images.digests": {CUSTOM["image"]: DIGEST}}

    assert plan(changes).models["qwen"].service.image == f"registry.example.com/engine:1.0@{DIGEST}"


def test_a_digest_of_an_image_that_no_line_knows_is_refused() -> None:
    """A typing error in the reference would pin nothing, so it is a fault with the nearest image."""
    assert faults({"images.digests": {"ghcr.io/llm-d/llm-d-cuda:v0.4.1": DIGEST}}) == [
        Fault(
            path="images.digests.ghcr.io/llm-d/llm-d-cuda:v0.4.1",
            problem="is no image of release line v0.4 or of this config",
            nearest=CUDA,
        )
    ]


def test_a_digest_that_is_none_is_refused() -> None:
    """What no registry would report is a fault."""
    assert faults({"images.digests": {CUDA: "sha256:abc"}}) == [
        Fault(
            path=f"images.digests.{CUDA}",
            problem="must be a digest as a registry reports it: sha256: and 64 hexadecimal digits",
            given="sha256:abc",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"models.qwen.extraArgs": ["--chat-template", TOKEN]}, "models.qwen.extraArgs[1]"),
        (
            {"engine": "custom", "models.qwen.custom": {**CUSTOM, "command": ["sh", "-c", f"x={TOKEN}"]}},
            "models.qwen.custom.command[2]",
        ),
        (
            {"engine": "custom", "models.qwen.custom": {**CUSTOM, "args": [TOKEN]}},
            "models.qwen.custom.args[0]",
        ),
        (
            {"engine": "custom", "models.qwen.custom": {**CUSTOM, "env": {"KEY": TOKEN}}},
            "models.qwen.custom.env.KEY",
        ),
    ],
)
def test_a_token_that_would_stand_in_a_manifest_is_refused(changes: dict[str, object], path: str) -> None:
    """Whatever becomes a command line or an environment holds no token, and the message does not repeat it."""
    assert faults(changes) == [
        Fault(
            path=path,
            problem="looks like a Hugging Face token, which would stand in the manifest and in the state",
            allowed="a Secret on the cluster, named by huggingFace.tokenSecret; revoke this one",
        )
    ]
