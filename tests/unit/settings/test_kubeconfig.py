"""What is read from a kubeconfig, and that a strange one is refused in words.

What these tests cannot prove: that the cluster behind a context is there, or is the right one; `make up` dials.
"""

import os
from pathlib import Path

import pytest
import yaml

from settings.cluster import ExistingCluster
from settings.kubeconfig import SIMULATED_EXTENSION, Kubeconfig, KubeconfigError, kubeconfig_path, read_kubeconfig


def _cluster(**keys: str) -> ExistingCluster:
    return ExistingCluster.model_validate(keys)


def _document(extensions: object = None) -> dict[str, object]:
    return {
        "current-context": "one",
        "contexts": [{"name": name, "context": {"cluster": f"cluster-{name}"}} for name in ("one", "two")],
        "clusters": [
            {"name": "cluster-one", "cluster": {"server": "https://one:6443", "extensions": extensions}},
            {"name": "cluster-two", "cluster": {"server": "https://two:6443"}},
        ],
    }


def _write(folder: Path, document: object) -> Path:
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("context", "name", "server"),
    [(None, "one", "https://one:6443"), ("two", "two", "https://two:6443")],
)
def test_the_named_context_else_the_current_one(tmp_path: Path, context: str | None, name: str, server: str) -> None:
    """A context that the settings name wins over the file's current one."""
    path = _write(tmp_path, _document())
    cluster = _cluster(kubeconfig="config") if context is None else _cluster(kubeconfig="config", context=context)

    assert read_kubeconfig(cluster, tmp_path) == Kubeconfig(
        path=path, context=name, cluster=f"cluster-{name}", server=server, simulated=None
    )


def test_a_simulated_cluster_says_so(tmp_path: Path) -> None:
    """The reason why nothing answers comes from the cluster's own extension."""
    _write(tmp_path, _document([{"name": SIMULATED_EXTENSION, "extension": {"reason": "no pod runs"}}]))

    assert read_kubeconfig(_cluster(kubeconfig="config"), tmp_path).simulated == "no pod runs"


@pytest.mark.parametrize(
    ("named", "variable", "expected"),
    [
        ("/etc/kube", "/env/config", "/etc/kube"),
        (".lab/kubeconfig", "/env/config", "/project/.lab/kubeconfig"),
        ("~/config", "/env/config", "/home/somebody/config"),
        ("~nobody-of-this-name/config", "", "/project/~nobody-of-this-name/config"),
        (None, f"/env/config{os.pathsep}/env/other", "/env/config"),
        (None, "", "/home/somebody/.kube/config"),
    ],
)
def test_the_file_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, named: str | None, variable: str, expected: str
) -> None:
    """The settings' file, else the first of KUBECONFIG, else the home's; relative ones belong to the project."""
    monkeypatch.setenv("KUBECONFIG", variable)
    monkeypatch.setenv("HOME", "/home/somebody")
    cluster = _cluster() if named is None else _cluster(kubeconfig=named)

    assert kubeconfig_path(cluster, Path("/project")) == Path(expected)


@pytest.mark.parametrize(
    ("document", "key", "message"),
    [
        ([], "kubeconfig", "{path} is no kubeconfig file"),
        ("text", "kubeconfig", "{path} is no kubeconfig file"),
        ({}, "context", "{path} has no context ''"),
        ({"current-context": "x"}, "context", "{path} has no context 'x'"),
        ({"current-context": "x", "contexts": 5}, "context", "{path} has no context 'x'"),
        ({"current-context": "x", "contexts": [None, 5]}, "context", "{path} has no context 'x'"),
        ({"current-context": ["x"], "contexts": [{"name": "x"}]}, "context", "{path} has no context \"['x']\""),
    ],
)
def test_a_strange_file_is_refused_in_words(tmp_path: Path, document: object, key: str, message: str) -> None:
    """What is no kubeconfig, or has not the context, is said with the setting that has to change."""
    path = _write(tmp_path, document)
    with pytest.raises(KubeconfigError) as raised:
        read_kubeconfig(_cluster(kubeconfig="config"), tmp_path)

    assert (raised.value.key, str(raised.value)) == (key, message.format(path=path))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: ["])
def test_a_file_that_cannot_be_parsed_is_refused(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no YAML are the kubeconfig's fault, never a traceback."""
    (tmp_path / "config").write_bytes(content)
    with pytest.raises(KubeconfigError) as raised:
        read_kubeconfig(_cluster(kubeconfig="config"), tmp_path)

    assert raised.value.key == "kubeconfig"


def test_a_context_without_a_cluster_has_no_server(tmp_path: Path) -> None:
    """A context whose cluster is missing is read as it is: an empty server, which no dial reaches."""
    path = _write(tmp_path, {"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "gone"}}]})

    assert read_kubeconfig(_cluster(kubeconfig="config"), tmp_path) == Kubeconfig(
        path=path, context="x", cluster="gone", server="", simulated=None
    )
