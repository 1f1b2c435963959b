"""A cluster out of reach is said within seconds.

What these tests cannot prove: that a cluster which takes a connection also answers, or lets the user in.
"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from operate.errors import OperateError
from operate.reach import require_cluster
from settings.cluster import ExistingCluster


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    """A socket on a free loopback port, which takes no connection until it listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


def _cluster(folder: Path, server: str) -> ExistingCluster:
    path = folder / "kubeconfig"
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
    }
    path.write_text(yaml.safe_dump(document))
    return ExistingCluster(kubeconfig=str(path))


def _refused(cluster: ExistingCluster) -> tuple[str, float]:
    began = time.monotonic()
    with pytest.raises(OperateError) as raised:
        require_cluster(cluster)
    return str(raised.value), time.monotonic() - began


def test_a_closed_port_is_said_at_once(tmp_path: Path, bound: socket.socket) -> None:
    """Nobody listens: the message names context, server and file, and comes long before the five seconds."""
    server = f"https://127.0.0.1:{bound.getsockname()[1]}"
    message, seconds = _refused(_cluster(tmp_path, server))

    assert message == (
        f"the cluster of context 'here' is out of reach: {server} gives no connection within 5 s"
        " ([Errno 111] Connection refused).\n"
        f"Check the network or VPN, and the context in {tmp_path}/kubeconfig; nothing was applied."
    )
    assert seconds < 2


def test_a_port_that_listens_is_enough(tmp_path: Path, bound: socket.socket) -> None:
    """One connection is opened, and nothing is said on it."""
    bound.listen()
    require_cluster(_cluster(tmp_path, f"https://127.0.0.1:{bound.getsockname()[1]}"))
    connection, _ = bound.accept()

    with connection:
        assert connection.recv(1) == b""


@pytest.mark.parametrize("server", ["https://127.0.0.1:99999", "https://[::1", f"https://{'x' * 64}.example"])
def test_an_address_that_is_none_is_said_too(tmp_path: Path, server: str) -> None:
    """A server that no connection can be opened to is out of reach, never a traceback."""
    message, seconds = _refused(_cluster(tmp_path, server))

    assert message.startswith(
        f"the cluster of context 'here' is out of reach: {server} gives no connection within 5 s ("
    )
    assert seconds < 2


def test_a_missing_kubeconfig_comes_with_what_to_do(tmp_path: Path) -> None:
    """A file that is not there is said with the command that writes the lab's."""
    message, _ = _refused(ExistingCluster(kubeconfig=str(tmp_path / "nowhere")))

    assert message == f"{tmp_path}/nowhere does not exist; `make up` writes the lab's"


def test_a_missing_context_comes_with_those_there_are(tmp_path: Path) -> None:
    """A context that is not in the file is said with the contexts that are."""
    _cluster(tmp_path, "https://127.0.0.1:1")
    message, _ = _refused(ExistingCluster(kubeconfig=str(tmp_path / "kubeconfig"), context="there"))

    assert message == f"{tmp_path}/kubeconfig has no context 'there'; here"
