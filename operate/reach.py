"""Whether a cluster answers: said within seconds, before anything waits for it."""

import socket
from urllib.parse import urlsplit

from operate.errors import OperateError
from operate.workspace import ROOT
from settings.cluster import ExistingCluster
from settings.kubeconfig import KubeconfigError, read_kubeconfig

__all__ = ["require_cluster"]

_TIMEOUT_SECONDS = 5


def require_cluster(cluster: ExistingCluster) -> None:
    """Open a connection to the API server of the cluster's context.

    Credentials are not tried: the engine's own message about those is good.

    Raises:
        OperateError: if the context is missing, or nothing answers within five seconds.
    """
    try:
        kubeconfig = read_kubeconfig(cluster, ROOT)
    except KubeconfigError as error:
        raise OperateError(f"{error}; {error.allowed}" if error.allowed else str(error)) from error
    try:
        url = urlsplit(kubeconfig.server)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS):
            return
    except (OSError, ValueError) as error:
        raise OperateError(
            f"the cluster of context {kubeconfig.context!r} is out of reach: {kubeconfig.server} gives"
            f" no connection within {_TIMEOUT_SECONDS} s ({error}).\n"
            f"Check the network or VPN, and the context in {kubeconfig.path}; nothing was applied."
        ) from error
