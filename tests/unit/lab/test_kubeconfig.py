"""The files that the control plane is started with."""

import base64
import json
from pathlib import Path

from lab.kubeconfig import egress_config, kubeconfig, service_account_key, token_file


def test_the_kubeconfig_says_that_the_nodes_are_simulated() -> None:
    """The cluster entry carries the extension that the program reads, and the CA in full."""
    document = json.loads(kubeconfig(server="https://127.0.0.1:1", ca_certificate=b"PEM", token="t"))

    assert document["clusters"] == [
        {
            "name": "llm-d-lab",
            "cluster": {
                "server": "https://127.0.0.1:1",
                "certificate-authority-data": base64.b64encode(b"PEM").decode(),
                "extensions": [
                    {
                        "name": "llm-d.ai/simulated",
                        "extension": {
                            "reason": "nodes are simulated by kwok: no pod runs, so nothing answers",
                        },
                    }
                ],
            },
        }
    ]
    assert document["users"] == [{"name": "llm-d-lab", "user": {"token": "t"}}]
    assert document["current-context"] == "llm-d-lab"


def test_the_token_file_is_sorted_by_user() -> None:
    """One line per user, in a stable order."""
    assert token_file({"b": "2", "a": "1"}) == '1,a,a,"system:masters"\n2,b,b,"system:masters"\n'


def test_service_account_keys_are_well_formed_and_differ() -> None:
    """A key is an EC private key of 32 bytes on P-256. That Go can read it, the integration tests prove."""
    first, second = service_account_key(), service_account_key()
    lines = first.splitlines()
    der = base64.b64decode("".join(lines[1:-1]))

    assert (lines[0], lines[-1]) == ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----")
    assert (der[0], der[1], der[2:7]) == (0x30, len(der) - 2, bytes.fromhex("0201010420"))
    assert first != second


def test_nothing_inside_the_cluster_can_be_dialled() -> None:
    """All traffic to pods, services and nodes goes to a socket that does not exist."""
    (selection,) = json.loads(egress_config(Path("/root-of-lab")))["egressSelections"]

    assert selection["name"] == "cluster"
    assert selection["connection"]["transport"] == {"uds": {"udsName": "/root-of-lab/nothing-answers.sock"}}


def test_where_pods_are_dialled_connections_are_direct() -> None:
    """In a namespace of its own the API server's proxy reaches pods."""
    (selection,) = json.loads(egress_config(Path("/root-of-lab"), dials_pods=True))["egressSelections"]

    assert selection == {"name": "cluster", "connection": {"proxyProtocol": "Direct"}}
