"""How config reaches the settings: from the engine, and from a stack's file.

What these tests cannot prove: how a future version of the CLI hands config over; the tests against the lab run the
real one.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pulumi.runtime import config as pulumi_config

from settings import ConfigFaultsError, Fault, load_config, load_stack_file, validate
from tests.support.configs import REMOVED, config


@pytest.fixture(autouse=True)
def _pulumi_config() -> Iterator[None]:
    """The SDK keeps the config in globals: every test gets them back as they were."""
    before, secrets = pulumi_config.CONFIG.get(), pulumi_config._SECRET_KEYS.get()
    yield
    pulumi_config.set_all_config(before, list(secrets))


def _handed_over(raw: dict[str, object]) -> None:
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in raw.items()}
    pulumi_config.set_all_config({f"llm-d:{key}": value for key, value in values.items()}, [])


def _faults_of_engine_config(root: Path) -> list[Fault]:
    with pytest.raises(ConfigFaultsError) as raised:
        load_config(root)
    return list(raised.value.faults)


def _write(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.x.yaml"
    path.write_text(text)
    return path


def _faults_of_file(path: Path) -> list[Fault]:
    with pytest.raises(ConfigFaultsError) as raised:
        load_stack_file(path)
    return list(raised.value.faults)


def test_the_engines_config_gives_the_same_settings(tmp_path: Path) -> None:
    """Objects that arrive as JSON are read as the mappings that the user wrote."""
    raw = config({"gateway.listener": {"port": 8080}, "engines": {"vllm": {"image": "vllm-openai"}}})
    _handed_over(raw)

    assert load_config(tmp_path) == validate(raw)


def test_other_namespaces_are_not_read(tmp_path: Path) -> None:
    """Keys of other programs and of Pulumi itself are none of ours."""
    _handed_over(config())
    pulumi_config.set_config("pulumi:disable-default-providers", '["*"]')
    pulumi_config.set_config("aws:region", "us-east-1")

    assert load_config(tmp_path) == validate(config())


def test_text_that_only_looks_like_json_is_judged_as_text(tmp_path: Path) -> None:
    """A brace at the start is no reason for a traceback."""
    _handed_over(config({"models": "{qwen", "namespace": "[x"}))

    assert _faults_of_engine_config(tmp_path) == [
        Fault(path="models", problem="must be a mapping", given="{qwen"),
        Fault(
            path="namespace",
            problem="must be a DNS label: lower-case letters, digits and '-', 63 characters at most",
            given="[x",
        ),
    ]


def test_a_release_line_that_yaml_made_a_number_is_refused(tmp_path: Path) -> None:
    """A release must be quoted text: 0.10 as a number would be 0.1."""
    path = _write(tmp_path, yaml.safe_dump({"config": {f"llm-d:{key}": v for key, v in config().items()}}))
    path.write_text(path.read_text().replace("v0.4", "0.4"))

    assert _faults_of_file(path) == [Fault(path="release", problem="must be a string", given="0.4")]


def test_a_missing_kubeconfig_is_a_fault(tmp_path: Path) -> None:
    """The program looks whether the file is there, and a relative path is relative to the project."""
    _handed_over(config({"cluster": {"existing": {"kubeconfig": "nowhere/config"}}}))

    assert _faults_of_engine_config(tmp_path) == [
        Fault(
            path="cluster.existing.kubeconfig",
            problem=f"{tmp_path}/nowhere/config does not exist",
            given="nowhere/config",
            allowed="`make up` writes the lab's",
        )
    ]


def test_a_missing_context_is_a_fault(tmp_path: Path) -> None:
    """The contexts of the file are listed, with the nearest to what was asked for."""
    contexts: list[dict[str, object]] = [{"name": name, "context": {}} for name in ("production", "staging")]
    (tmp_path / "config").write_text(yaml.safe_dump({"contexts": contexts}))
    _handed_over(config({"cluster": {"existing": {"kubeconfig": "config", "context": "stagng"}}}))

    assert _faults_of_engine_config(tmp_path) == [
        Fault(
            path="cluster.existing.context",
            problem=f"{tmp_path}/config has no context 'stagng'",
            given="stagng",
            allowed="production, staging",
            nearest="staging",
        )
    ]


def test_a_missing_kubeconfig_is_told_with_all_the_rest(tmp_path: Path) -> None:
    """A fault elsewhere, in the cluster's own keys too, does not hide that the file is missing."""
    cluster = {"existing": {"kubeconfig": "nowhere"}, "providerVersoin": "4.1"}
    _handed_over(config({"cluster": cluster, "models.qwen.engine": "vlm", "release": REMOVED}))

    assert [fault.path for fault in _faults_of_engine_config(tmp_path)] == [
        "cluster.existing.kubeconfig",
        "cluster.providerVersoin",
        "models.qwen.engine",
        "release",
    ]


def test_a_stack_file_is_not_asked_for_its_kubeconfig(tmp_path: Path) -> None:
    """Tools read a stack before its lab has written the kubeconfig that it names."""
    raw = config({"cluster": {"existing": {"kubeconfig": "nowhere"}}})
    path = _write(tmp_path, yaml.safe_dump({"config": {f"llm-d:{key}": value for key, value in raw.items()}}))

    assert load_stack_file(path) == validate(raw)


@pytest.mark.parametrize("text", ["", "config:", "config: []", "[]", "config: text", "other: {}"])
def test_a_file_without_config_lists_what_is_required(tmp_path: Path, text: str) -> None:
    """A file that holds no config is an empty config, whatever it holds instead."""
    assert _faults_of_file(_write(tmp_path, text)) == [
        Fault(path=path, problem="is required but missing") for path in ("cluster", "gpuPools", "models", "release")
    ]


def test_a_missing_file_is_one_fault(tmp_path: Path) -> None:
    """A stack file that is not there is one fault that names the file."""
    path = tmp_path / "Pulumi.x.yaml"

    assert _faults_of_file(path) == [
        Fault(path="", problem=f"the stack's config cannot be read: [Errno 2] No such file or directory: '{path}'")
    ]


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xff", b"a: " + b"9" * 5000])
def test_a_file_that_is_no_yaml_is_one_fault(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be parsed is one fault of the file, never a traceback."""
    path = tmp_path / "Pulumi.x.yaml"
    path.write_bytes(content)

    assert [fault.path for fault in _faults_of_file(path)] == [""]


def test_missing_crd_files_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CRD files that nobody fetched are a fault that names the command, not an error half-way through the plan."""
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path / "none"))
    _handed_over(config())

    assert _faults_of_engine_config(tmp_path) == [
        Fault(
            path="crds",
            problem="8 CRD files of release line v0.4 are not on this machine",
            given="install",
            allowed="`make crds STACK=<stack>` fetches them once; or existing, where the cluster has the CRDs",
        )
    ]


def test_a_cluster_with_crds_needs_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `crds: existing` nothing is looked for on this machine."""
    monkeypatch.setenv("LLM_D_CRDS", str(tmp_path / "none"))
    _handed_over(config({"crds": "existing"}))

    assert load_config(tmp_path).crds == "existing"
