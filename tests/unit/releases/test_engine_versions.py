"""Which version of an engine an image holds.

What these tests cannot prove: that an image holds what its tag says.
"""

import pytest

from releases import RELEASES, EngineVersion, engine_version

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("line", "engine", "image", "version"),
    [
        ("v0.4", "vllm", "llm-d-cuda", "0.11.2"),
        ("v0.4", "vllm", "ghcr.io/llm-d/llm-d-cuda:v0.4.0", "0.11.2"),
        ("v0.4", "vllm", "vllm/vllm-openai:v0.11.0", "0.11.0"),
        ("v0.4", "vllm", "mirror.example.com/hub/vllm/vllm-openai:v0.13.0-cu130", "0.13.0"),
        ("v0.9", "vllm", f"docker.io/vllm/vllm-openai:v0.27.1@{DIGEST}", "0.27.1"),
        ("v0.9", "sglang", "lmsysorg/sglang:v0.5.16-cu130", "0.5.16"),
        ("v0.9", "tensorrt-llm", "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc27", "1.3.0rc27"),
    ],
)
def test_an_image_of_the_engines_own_repository_says_its_version(
    line: str, engine: str, image: str, version: str
) -> None:
    """A pinned name or reference is the pin's version; any other tag of the same repository is its own."""
    assert engine_version(image, RELEASES[line].engines[engine]) == EngineVersion(version=version, is_known=True)


@pytest.mark.parametrize(
    ("line", "image", "version"),
    [
        ("v0.4", "example.com/vllm:v0.12.0", "0.11.2"),
        ("v0.4", "ghcr.io/llm-d/llm-d-cuda:v0.3.1", "0.11.2"),
        ("v0.9", "vllm/vllm-openai:nightly", "0.26.0"),
        ("v0.9", f"vllm/vllm-openai@{DIGEST}", "0.26.0"),
        ("v0.9", "localhost:5000/engine", "0.26.0"),
    ],
)
def test_any_other_image_is_taken_for_what_the_line_has(line: str, image: str, version: str) -> None:
    """A tag of somebody else's repository, of llm-d's own, or none at all says nothing about the engine."""
    assert engine_version(image, RELEASES[line].engines["vllm"]) == EngineVersion(version=version, is_known=False)
