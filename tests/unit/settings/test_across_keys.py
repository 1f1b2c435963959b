"""Keys that each are right, and are wrong together: names, paths, listeners, keys that exclude each other.

What these tests cannot prove: that names collide nowhere outside the stack, such as with objects that are on the
cluster already.
"""

from typing import Any

import pytest

from settings import Fault
from tests.support.configs import SECRET, faults, settings

CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (
            {"servedName": "Qwen/Qwen3-0.6B"},
            Fault(
                path="models.qwen.servedName",
                problem="the served name Qwen/Qwen3-0.6B is taken by model other",
                given="Qwen/Qwen3-0.6B",
            ),
        ),
        (
            {"path": "/qwen/"},
            Fault(path="models.qwen.path", problem="the URL path /qwen is taken by model other", given="/qwen"),
        ),
    ],
)
def test_two_models_must_not_collide(other: dict[str, str], expected: Fault) -> None:
    """Two models of one served name or URL path are one fault, at the second of them by name."""
    model = {"source": "hf://Qwen/Qwen3-8B", **other}

    assert faults({"models.other": model}) == [expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qwen-epp", "the object name qwen-epp is taken by model qwen"),
        ("qwen-decode", "the object name qwen-decode is taken by model qwen"),
        ("qwen-prefill", "the object name qwen-prefill is taken by model qwen"),
        ("inference-gateway", "the object name inference-gateway is taken by the gateway"),
        ("default", "the object name default is taken by the namespace's own ServiceAccount"),
    ],
)
def test_names_of_objects_must_not_collide(name: str, expected: str) -> None:
    """A model whose objects would have the names of another's is one fault."""
    model = {"source": "hf://Qwen/Qwen3-8B"}

    assert faults({f"models.{name}": model}) == [Fault(path=f"models.{name}", problem=expected)]


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        (
            {"protocol": "HTTPS", "port": 443},
            Fault(
                path="gateway.listener.certificateSecret",
                problem="is required: an HTTPS listener needs a certificate",
                allowed="the name of an existing TLS Secret in the serving namespace",
            ),
        ),
        (
            {"certificateSecret": "tls"},
            Fault(
                path="gateway.listener.protocol",
                problem="a certificate is given, but the listener speaks HTTP",
                given="HTTP",
                allowed="HTTPS",
            ),
        ),
        (
            {"certificateSecret": "tls", "port": 443},
            Fault(
                path="gateway.listener.protocol",
                problem="a certificate is given, but the listener speaks HTTP",
                given="HTTP",
                allowed="HTTPS",
            ),
        ),
        (
            {"protocol": "HTTPS", "certificateSecret": "tls"},
            Fault(
                path="gateway.listener.port",
                problem="is the other protocol's port, the listener speaks HTTPS",
                given="80",
                allowed="443, or any port but 80",
            ),
        ),
        (
            {"port": 443},
            Fault(
                path="gateway.listener.port",
                problem="is the other protocol's port, the listener speaks HTTP",
                given="443",
                allowed="80, or any port but 443",
            ),
        ),
        (
            {"port": 65536},
            Fault(path="gateway.listener.port", problem="must be less than or equal to 65535", given="65536"),
        ),
    ],
)
def test_a_listener_agrees_with_its_certificate(listener: dict[str, Any], expected: Fault) -> None:
    """HTTPS needs a certificate, HTTP has none, and neither listens on the port that clients take for the other."""
    assert faults({"gateway.listener": listener}) == [expected]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (
            {"qwen": "/a", "other": "/a/v2"},
            Fault(
                path="models.other.path",
                problem="lies below /a, the path of model qwen, and would take requests of that model",
                given="/a/v2",
                allowed="a path that is no other model's with a segment appended",
            ),
        ),
        (
            {"qwen": "/other/b/c", "other": None},
            Fault(
                path="models.qwen.path",
                problem="lies below /other, the path of model other, and would take requests of that model",
                given="/other/b/c",
                allowed="a path that is no other model's with a segment appended",
            ),
        ),
        (
            {"qwen": "/", "other": None},
            Fault(
                path="models.qwen.path",
                problem="lies above the path of model other: only the one model of a stack can be at /",
                given="/",
                allowed="a path such as /<name>",
            ),
        ),
        (
            {"qwen": "/v1"},
            Fault(
                path="models.qwen.path",
                problem="ends with the segment v1, which OpenAI's clients append themselves",
                given="/v1",
                allowed="a path without it; a client's base URL is <gateway><path>/v1",
            ),
        ),
        (
            {"qwen": "/chat/v1/"},
            Fault(
                path="models.qwen.path",
                problem="ends with the segment v1, which OpenAI's clients append themselves",
                given="/chat/v1",
                allowed="a path without it; a client's base URL is <gateway><path>/v1",
            ),
        ),
        (
            {"qwen": "/v1/chat"},
            Fault(
                path="models.qwen.path",
                problem="lies below /v1, where the gateway serves every model by the name in the request's body",
                given="/v1/chat",
                allowed="a path that does not start with the segment v1",
            ),
        ),
    ],
)
def test_no_path_takes_anothers_requests(paths: dict[str, str | None], expected: Fault) -> None:
    """A path below another model's, or `/v1` itself, would take requests that were meant for something else."""
    sources = {"qwen": "hf://Qwen/Qwen3-0.6B", "other": "hf://Qwen/Qwen3-8B"}
    models = {
        name: {"source": sources[name], **({"path": path} if path is not None else {})} for name, path in paths.items()
    }

    assert faults({"models": models}) == [expected]


@pytest.mark.parametrize("paths", [("/a", "/ab"), ("/a/b", "/a/c"), ("/v1a", "/v1b"), ("/a", "/A/b")])
def test_paths_beside_each_other_are_sound(paths: tuple[str, str]) -> None:
    """Only whole segments count: a path that merely starts with the same letters lies beside the other."""
    other = {"source": "hf://Qwen/Qwen3-8B", "path": paths[1]}

    assert faults({"models.qwen.path": paths[0], "models.other": other}) == []


def test_a_single_model_may_be_at_the_root() -> None:
    """Where no other model is, `/` takes nothing from anybody."""
    assert faults({"models.qwen.path": "/"}) == []


def test_without_the_picker_only_a_controllers_gateway_can_choose_a_pod() -> None:
    """FailOpen promises what the standalone Envoy cannot do, so it is refused there and nowhere else."""
    assert faults({"models.qwen.picker": {"failureMode": "FailOpen"}}) == [
        Fault(
            path="models.qwen.picker.failureMode",
            problem="without the picker nothing chooses a pod, so provider standalone can only answer 503",
            given="FailOpen",
            allowed="FailClose, or another gateway.provider",
        )
    ]
    assert faults({"models.qwen.picker": {"failureMode": "FailOpen"}, "gateway": {"provider": "istio"}}) == []


def test_a_picker_is_one() -> None:
    """A standby is never ready, so its Deployment never becomes available and `up` would wait in vain."""
    assert faults({"models.qwen.picker": {"replicas": 2}}) == [
        Fault(
            path="models.qwen.picker.replicas",
            problem="a standby picker is not ready until it leads, so its Deployment would never become available",
            given="2",
            allowed="1",
        )
    ]


def test_istio_runs_its_own_proxies() -> None:
    """A replica count means nothing to a provider that scales its proxies itself, so it is refused."""
    assert faults({"gateway": {"provider": "istio", "replicas": 2}}) == [
        Fault(path="gateway.replicas", problem="provider istio runs its own proxies; remove the key")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"models.qwen.engine": "custom", "models.qwen.custom": CUSTOM, "models.qwen.image": "a/b:1"},
            Fault(path="models.qwen.image", problem="has no meaning with engine custom; set custom.image"),
        ),
        (
            {"huggingFace": {"tokenSecret": "hf", "token": SECRET}},
            Fault(
                path="huggingFace",
                problem="tokenSecret names an existing Secret, token makes one; give one of them",
            ),
        ),
    ],
)
def test_two_keys_that_exclude_each_other(changes: dict[str, object], expected: Fault) -> None:
    """Of two keys that mean the same only one may be given."""
    assert faults(changes) == [expected]


def test_the_minimal_config_is_sound() -> None:
    """What every other test changes has no fault, and its defaults are these."""
    sound = settings()

    assert (sound.engine, sound.namespace, sound.crds, sound.monitoring) == ("vllm", "llm-d", "install", "none")
    assert sound.gateway.model_dump() == {
        "provider": "standalone",
        "exposure": "cluster",
        "listener": {"port": 80, "protocol": "HTTP", "certificate_secret": None},
        "replicas": 2,
        "proxy_cidrs": (),
    }
