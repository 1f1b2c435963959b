"""Which routing sidecar runs in the place of a rendered one, and with which ports."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.model_service.objects import build as build_servers
from operate.errors import OperateError
from operate.smoke.sidecars import Sidecar, built_sidecar
from releases import RELEASES
from tests.support.configs import plan

_PREFILL: Mapping[str, object] = {"models.qwen.prefill": {"replicas": 2}}


def _pod(changes: dict[str, object], role: str) -> dict[str, Any]:
    """A pod of a role as the stack's Deployment has it."""
    template = build_servers(plan(changes).models["qwen"].service)[role]["spec"]["template"]
    return {"metadata": {"name": "qwen-1"}, "spec": template["spec"]}


@pytest.mark.parametrize(
    ("changes", "connector", "environment"),
    [
        ({"release": "v0.9"}, "--kv-connector=nixlv2", {}),
        ({"release": "v0.9", "engine": "sglang"}, "--kv-connector=sglang", {"SGLANG_BOOTSTRAP_PORT": "8998"}),
        ({"release": "v0.4"}, "--connector=nixlv2", {}),
    ],
)
def test_it_is_started_as_rendered_with_ports_of_its_own(
    changes: dict[str, object], connector: str, environment: dict[str, str]
) -> None:
    """Connector, TLS and environment are the stack's; the ports are those that it gets on loopback."""
    sidecar = Sidecar.of_pod(_pod({**changes, **_PREFILL}, ""))

    assert sidecar is not None
    assert sidecar.command(20001, 20002)[1:] == [
        connector,
        "--secure-proxy=false",
        "--zap-encoder=json",
        "--port=20001",
        "--vllm-port=20002",
    ]
    assert sidecar.environment == environment


def test_a_server_without_one_has_none() -> None:
    """Prefill servers are reached directly, and so are those that do everything."""
    assert Sidecar.of_pod(_pod({"release": "v0.9", **_PREFILL}, "prefill")) is None
    assert Sidecar.of_pod(_pod({"release": "v0.9"}, "")) is None


def test_one_that_leads_where_no_engine_serves_is_named() -> None:
    """Every request would be answered 503, and every object be Ready."""
    pod = _pod({"release": "v0.9", **_PREFILL}, "")
    pod["spec"]["containers"][0]["ports"] = [{"containerPort": 8001}]

    with pytest.raises(OperateError, match=r"^the sidecar of pod qwen-1 leads to port 8200, where no engine serves$"):
        Sidecar.of_pod(pod)


def test_every_lines_sidecar_can_be_run() -> None:
    """A release line whose image has no entry would fail only in `make smoke`; nothing is run by guess."""
    built = {name: built_sidecar(release.images["sidecar"].reference) for name, release in RELEASES.items()}

    assert {name: [step.what for step in item.steps] for name, item in built.items()} == {
        "v0.4": [],
        "v0.9": ["--model-server-port -> --vllm-port"],
    }
    with pytest.raises(
        OperateError, match=r"no sidecar can be built for image x/proxy:v9; there is one for llm-d-router"
    ):
        built_sidecar("x/proxy:v9")
