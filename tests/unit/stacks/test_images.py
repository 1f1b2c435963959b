"""Where images are pulled from.

What these tests cannot prove: that a mirror has the image.
"""

import pytest

from settings.cluster import ImagesSettings
from stacks.images import mirrored, split_host

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "host", "path"),
    [
        ("ghcr.io/llm-d/llm-d-cuda:v0.4.0", "ghcr.io", "llm-d/llm-d-cuda:v0.4.0"),
        ("docker.io/vllm/vllm-openai:v0.12.0", "docker.io", "vllm/vllm-openai:v0.12.0"),
        ("vllm/vllm-openai:v0.12.0", "docker.io", "vllm/vllm-openai:v0.12.0"),
        ("nginx:1.29", "docker.io", "library/nginx:1.29"),
        ("localhost/a:1", "localhost", "a:1"),
        ("registry:5000/a/b:1", "registry:5000", "a/b:1"),
        (f"ghcr.io/a/b@{DIGEST}", "ghcr.io", f"a/b@{DIGEST}"),
    ],
)
def test_an_image_without_a_host_is_docker_hubs(reference: str, host: str, path: str) -> None:
    """A first part with a dot or a port is a host, anything else belongs to Docker Hub, short names to its library."""
    assert split_host(reference) == (host, path)


@pytest.mark.parametrize(
    ("images", "reference", "expected"),
    [
        ({}, "ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ({}, "nginx:1", "nginx:1"),
        ({"registry": "mirror.example.com"}, "ghcr.io/a/b:1", "mirror.example.com/a/b:1"),
        ({"registry": "mirror.example.com:5000/all/"}, "ghcr.io/a/b:1", "mirror.example.com:5000/all/a/b:1"),
        ({"registry": "mirror.example.com"}, "nginx:1", "mirror.example.com/library/nginx:1"),
        ({"registry": "mirror.example.com"}, f"ghcr.io/a/b:1@{DIGEST}", f"mirror.example.com/a/b:1@{DIGEST}"),
        ({"mirrors": {"ghcr.io": "one.example.com/ghcr"}}, "ghcr.io/a/b:1", "one.example.com/ghcr/a/b:1"),
        ({"mirrors": {"ghcr.io": "one.example.com/ghcr"}}, "nvcr.io/a/b:1", "nvcr.io/a/b:1"),
        ({"mirrors": {"docker.io": "hub.example.com"}}, "vllm/vllm-openai:v1", "hub.example.com/vllm/vllm-openai:v1"),
        (
            {"registry": "all.example.com", "mirrors": {"ghcr.io": "one.example.com"}},
            "ghcr.io/a/b:1",
            "one.example.com/a/b:1",
        ),
        (
            {"registry": "all.example.com", "mirrors": {"ghcr.io": "one.example.com"}},
            "nvcr.io/a/b:1",
            "all.example.com/a/b:1",
        ),
    ],
)
def test_a_mirror_takes_the_place_of_the_host(images: dict[str, object], reference: str, expected: str) -> None:
    """A host's own mirror wins over the registry for all; tag and digest stay."""
    assert mirrored(reference, ImagesSettings.model_validate(images)) == expected
