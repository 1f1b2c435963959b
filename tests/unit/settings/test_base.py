"""Quantities, image references and frozen values.

What these tests cannot prove: that Kubernetes reads a quantity as we do beyond the suffixes that are tested here.
"""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from settings import StackSettings
from settings.base import format_gib, is_image_reference, parse_cpu, parse_quantity
from settings.image_names import floating_tag
from tests.support.configs import settings

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("123", 123),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Gi", 1_610_612_736),
        ("800M", 800_000_000),
        ("800Mi", 838_860_800),
        ("2G", 2_000_000_000),
        ("1T", 10**12),
        ("1Ti", 2**40),
        ("0.1Gi", 107_374_182),
        ("9007199254740993", 9_007_199_254_740_993),
    ],
)
def test_a_quantity_is_bytes(text: str, size: int) -> None:
    """Decimal and binary suffixes are Kubernetes' own, and no digit is lost to floating point."""
    assert parse_quantity(text) == size


@pytest.mark.parametrize(
    "text", ["", "Gi", "1 Gi", "1GiB", "1GB", "1ki", "1K", "-1Gi", "1.Gi", ".5Gi", "1e3", "1m", "\u0663Gi"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """Anything else is refused with the text and what to write."""
    with pytest.raises(ValueError, match=r"^not a Kubernetes quantity: .*; write 1\.5Gi, 800Mi or a number of bytes$"):
        parse_quantity(text)


@pytest.mark.parametrize(("size", "text"), [(0, "0Gi"), (1, "1Gi"), (2**30, "1Gi"), (2**30 + 1, "2Gi")])
def test_gibibytes_are_rounded_up(size: int, text: str) -> None:
    """A volume is never smaller than what has to fit."""
    assert format_gib(size) == text


@pytest.mark.parametrize(
    ("text", "is_reference"),
    [
        ("registry.example.com/a/b:1.0", True),
        ("registry.example.com:5000/a/b:1.0", True),
        ("vllm/vllm-openai:v0.12.0", True),
        (f"ghcr.io/a/b@{DIGEST}", True),
        (f"ghcr.io/a/b:v1@{DIGEST}", True),
        ("ghcr.io/a/b", False),
        ("ghcr.io/a/b@sha256:abc", False),
        ("ghcr.io/a b:1", False),
        ("https://ghcr.io", False),
        (":v1", False),
        ("localhost:5000/a:1", True),
        ("engine:1.0", True),
        ("ghcr.io/a//b:1", False),
        ("ghcr.io/a/b:1:2", False),
        ("ghcr.io/a/b:", False),
        ("ghcr.io/A/b:1", False),
        ("ghcr.io/a/b/:1", False),
        ("/a/b:1", False),
        (f"ghcr.io/a/b@{DIGEST}@{DIGEST}", False),
        (f"ghcr.io/a/b@{DIGEST}:v1", False),
        (f"ghcr.io/{'a' * 250}:1", False),
        ("", False),
    ],
)
def test_an_image_has_a_tag_or_a_digest(text: str, *, is_reference: bool) -> None:
    """A bare name would float, and half a digest names nothing."""
    assert is_image_reference(text) is is_reference


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a/b:latest", "latest"),
        ("a/b:main", "main"),
        ("a/b:dev", "dev"),
        ("a/b:nightly", "nightly"),
        ("a/b:v1", None),
        ("a/b:latest-cuda", None),
        (f"a/b:latest@{DIGEST}", None),
    ],
)
def test_a_tag_that_moves_is_known(text: str, tag: str | None) -> None:
    """Four tags are moved by habit; with a digest the tag decides nothing."""
    assert floating_tag(text) == tag


@pytest.mark.parametrize(("text", "millicores"), [("500m", 500), ("4", 4000), ("0.5", 500), ("4.0", 4000), ("0", 0)])
def test_a_cpu_quantity_is_millicores(text: str, millicores: int) -> None:
    """Cores and thousandths of a core, as Kubernetes writes them."""
    assert parse_cpu(text) == millicores


@pytest.mark.parametrize("text", ["", "m", "four", "0.5m", "1.", ".5", "0.0001", "-1", "1k", "1e3", "9" * 10, "\u0663"])
def test_what_is_no_cpu_quantity_is_refused(text: str) -> None:
    """Anything else, and anything finer than a thousandth, is refused."""
    with pytest.raises(ValueError, match=r"^must be a CPU quantity of Kubernetes: "):
        parse_cpu(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda sound: setattr(sound, "engine", "sglang"),
        lambda sound: setattr(sound.models["qwen"], "replicas", 2),
        lambda sound: setattr(sound.gateway.listener, "port", 1),
    ],
)
def test_fields_are_frozen(change: Callable[[StackSettings], None]) -> None:
    """No field can be set once the settings are validated."""
    with pytest.raises(ValidationError):
        change(settings())


@pytest.mark.parametrize(
    "mapping",
    [
        lambda sound: sound.models,
        lambda sound: sound.gpu_pools,
        lambda sound: sound.engines,
        lambda sound: sound.images.mirrors,
        lambda sound: sound.gpu_pools["l4"].node_selector,
    ],
)
def test_nested_mappings_are_frozen(mapping: Callable[[StackSettings], dict[str, object]]) -> None:
    """The mappings behind the fields cannot be changed either: pydantic's `frozen` would stop at the field."""
    sound = settings({"gpuPools.l4.nodeSelector": {"pool": "l4"}})
    with pytest.raises(TypeError, match="does not support item assignment"):
        mapping(sound)["new"] = None


def test_the_settings_keep_nothing_of_the_config() -> None:
    """A change of the raw mapping afterwards does not reach the settings."""
    labels = {"pool": "l4"}
    sound = settings({"gpuPools.l4.nodeSelector": labels})
    labels["pool"] = "other"

    assert sound.gpu_pools["l4"].node_selector == {"pool": "l4"}
