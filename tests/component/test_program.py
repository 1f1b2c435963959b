"""The whole program under mocks: config in, resources and exports out, faults as one message.

Mocks stand in for the engine: that the CLI shows the message and that an `up` ends with it is for the tests against
the lab.
"""

import json
import runpy
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks, rpc
from pulumi.runtime.stack import Stack

from operate.workspace import ROOT
from settings.kubeconfig import SIMULATED_EXTENSION
from settings.load import validate
from settings.models import TOKEN_PLACEHOLDER
from stacks.provider import build_provider
from stacks.token import hugging_face_token
from tests.support.configs import SECRET, config, settings
from tests.support.pulumi_mocks import Recorder

TOKEN = "hf_TokenOfATest"
PROVIDER = "pulumi:providers:kubernetes"
MODEL = {
    "engine": "vllm",
    "image": "ghcr.io/llm-d/llm-d-cuda:v0.4.0",
    "replicas": 1,
    "gpus": 1,
    "servedName": "Qwen/Qwen3-0.6B",
    "path": "/qwen",
}


@pytest.fixture(autouse=True)
def _pulumi_config() -> Iterator[None]:
    """The SDK keeps the config in globals: every test gets them back as they were."""
    before, secrets = pulumi_config.CONFIG.get(), pulumi_config._SECRET_KEYS.get()
    yield
    pulumi_config.set_all_config(before, list(secrets))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the program, with a kubeconfig of a simulated cluster."""
    extension = {"name": SIMULATED_EXTENSION, "extension": {"reason": "no pod runs here"}}
    document = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab"}}, {"name": "real", "context": {"cluster": "real"}}],
        "clusters": [
            {"name": "lab", "cluster": {"server": "https://127.0.0.1:1", "extensions": [extension]}},
            {"name": "real", "cluster": {"server": "https://127.0.0.1:2"}},
        ],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _handed_over(raw: dict[str, Any], *secret_keys: str) -> None:
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}
    pulumi_config.set_all_config(
        {f"llm-d:{key}": value for key, value in values.items()}, [f"llm-d:{key}" for key in secret_keys]
    )


def _run() -> dict[str, Any]:
    """Run `__main__.py` to its end; what it exports, resolved."""
    exports: dict[str, Any] = {}

    def program() -> pulumi.Output[None]:
        runpy.run_path(str(ROOT / "__main__.py"))
        stack = pulumi.runtime.get_root_resource()
        assert isinstance(stack, Stack)
        return pulumi.Output.from_input(dict(stack.outputs)).apply(exports.update)

    mocks.test(program)()  # type: ignore[no-untyped-call]
    return exports


def _existing(context: str) -> dict[str, Any]:
    cluster = {"existing": {"kubeconfig": "kubeconfig", "context": context}}
    return config({"cluster": cluster, "crds": "existing"})


@pytest.mark.usefixtures("project")
def test_a_simulated_cluster_has_no_url_and_says_why(recorder: Recorder) -> None:
    """The exports are few, and a URL that nothing answers at is not among them."""
    _handed_over(_existing("lab"))

    assert _run() == {
        "release": "v0.4",
        "namespace": "llm-d",
        "gateway": {"provider": "standalone", "url": None, "baseUrl": None, "reason": "no pod runs here"},
        "models": {"qwen": MODEL},
    }
    assert {request.provider for request in recorder.objects()} == {f"{recorder.urn(PROVIDER, 'cluster')}::cluster-id"}


@pytest.mark.usefixtures("project", "recorder")
def test_a_real_cluster_has_a_url() -> None:
    """On any other cluster the gateway's address inside the cluster is exported, with no reason."""
    _handed_over(_existing("real"))

    assert _run()["gateway"] == {
        "provider": "standalone",
        "url": "http://inference-gateway.llm-d.svc.cluster.local",
        "baseUrl": "http://inference-gateway.llm-d.svc.cluster.local/v1",
        "reason": None,
    }


@pytest.mark.usefixtures("project")
def test_serving_waits_for_the_platform(recorder: Recorder) -> None:
    """Nothing of the serving layer comes before what the platform layer brings."""
    _handed_over(_existing("lab"))
    _run()
    plugin = recorder.urn("kubernetes:apps/v1:DaemonSet", "platform-device-plugin")

    assert recorder.reaches(recorder.request("kubernetes:core/v1:Namespace", "serving"), plugin)


@pytest.mark.usefixtures("project", "recorder")
def test_a_preview_warns_of_a_pod_that_may_be_crowded_out(caplog: pytest.LogCaptureFixture) -> None:
    """Small pods on both nodes leave no node whole; the model and its pool are named, and the stack is deployed."""
    changes = {
        "models.small": {"source": "hf://Qwen/Qwen3-8B", "replicas": 2},
        "models.qwen.parallelism": {"tensor": 4},
        "gpuPools": {"quad": {"instanceType": "g6.12xlarge", "maxSize": 2}},
    }
    _handed_over(config({"cluster": {"existing": {"kubeconfig": "kubeconfig", "context": "lab"}}, **changes}))
    exports = _run()
    (record,) = caplog.records

    assert record.getMessage().startswith(
        "models.qwen: pool quad has GPUs enough, but the scheduler spreads the smaller"
    )
    assert sorted(exports["models"]) == ["qwen", "small"]


@pytest.mark.usefixtures("project")
def test_faults_end_the_program_before_anything_is_registered(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """All faults are one logged error, the exit code is 32, and no resource was asked for."""
    raw = {"cluster": {"existing": {"kubeconfig": "nowhere"}}, "release": "v0.5", "models.qwen.engine": "vlm"}
    _handed_over(config(raw))
    with pytest.raises(SystemExit) as raised:
        _run()

    assert raised.value.code == 32
    (record,) = caplog.records
    assert [line for line in record.getMessage().splitlines() if line.startswith(("  llm-d", "3"))] == [
        "3 faults in the stack's config; nothing was applied.",
        f"  llm-d:cluster.existing.kubeconfig: {Path.cwd()}/nowhere does not exist",
        "  llm-d:models.qwen.engine: unknown engine",
        "  llm-d:release: unknown release line",
    ]
    assert [request.type for request in recorder.requests if request.type != "pulumi:pulumi:Stack"] == []


@pytest.mark.usefixtures("project")
def test_the_token_of_the_config_becomes_a_secret(recorder: Recorder) -> None:
    """From the config to the Secret object the token stays marked, and nothing else has it."""
    _handed_over(_existing("lab") | {"huggingFace": {"token": TOKEN}}, "huggingFace")
    exports = _run()
    inputs = rpc.deserialize_properties(recorder.request("kubernetes:core/v1:Secret", "serving-token").object)

    assert rpc.is_rpc_secret(inputs["stringData"])
    assert rpc.unwrap_rpc_secret(inputs["stringData"]) == {"HF_TOKEN": TOKEN}
    assert [request.name for request in recorder.requests if TOKEN in str(request)] == ["serving-token"]
    assert TOKEN not in str(exports)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"huggingFace": {"tokenSecret": "mine"}}, None),
        ({"huggingFace": {"token": SECRET}}, TOKEN_PLACEHOLDER),
    ],
)
def test_a_render_gets_a_placeholder_for_the_token(changes: dict[str, Any], expected: str | None) -> None:
    """Manifests are written as they are, so the token itself never goes into them."""
    assert hugging_face_token(settings(changes)) == expected


def _provider_inputs(recorder: Recorder, raw: dict[str, Any], root: Path) -> tuple[Any, dict[str, Any]]:
    providers: list[kubernetes.Provider] = []
    cluster = validate(raw).cluster
    mocks.test(lambda: providers.append(build_provider(cluster, root)))()  # type: ignore[no-untyped-call]
    (request,) = [item for item in recorder.requests if item.type == PROVIDER]
    return request, rpc.deserialize_properties(request.object)


def test_the_provider_of_a_cluster(recorder: Recorder, project: Path) -> None:
    """Kubeconfig by path and context, an identity of its own, server-side apply, and the stack's plugin version."""
    raw = config({"cluster": {"existing": {"kubeconfig": "kubeconfig"}, "providerVersion": "4.18.2"}})
    request, inputs = _provider_inputs(recorder, raw, project)

    assert (request.name, request.version) == ("cluster", "4.18.2")
    assert inputs == {
        "kubeconfig": str(project / "kubeconfig"),
        "context": "lab",
        "clusterIdentifier": "lab",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "enableServerSideApply": "true",
        "kubeClientSettings": '{"burst": 1000, "qps": 500, "timeout": 60}',
    }


def test_the_provider_of_a_render(recorder: Recorder, project: Path) -> None:
    """A render writes to the directory and looks at no cluster."""
    request, inputs = _provider_inputs(recorder, config(), project)

    assert request.name == "manifests"
    assert inputs == {"renderYamlToDirectory": "out", "kubeconfig": ""}


def test_no_thread_outlives_a_test() -> None:
    """The mocked engine leaves no worker behind: the next test starts from nothing."""
    assert [thread.name for thread in threading.enumerate() if "ThreadPool" in thread.name] == []
