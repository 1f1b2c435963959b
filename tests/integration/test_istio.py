"""Istio's own control plane judges what the `istio` provider deploys: a real istiod on the lab, through the real CLI.

What this does not show: a proxy. Its pods are Running by kwok's word, so no request is answered here; and the load
balancer's address is a stand-in's, for a lab has no cloud.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import trustme

from lab import Lab, Toolchain
from lab.istiod import installation, istiod
from lab.stack import simulated_pools
from operate.workspace import ROOT, read_stack_document
from settings import StackSettings, load_stack_file
from tests.support.clusters import Kubectl, status_writer
from tests.support.stacks import CaseStack, on_lab

EXAMPLE = ROOT / "examples" / "Pulumi.istio.yaml"
SERVICE = "inference-gateway-istio"
ADDRESS = "192.0.2.10"


def test_istiod_takes_the_stack(tmp_path: Path) -> None:
    """`up` ends because istiod programs the Gateway, and it accepts class, listener, routes and pool."""
    settings = load_stack_file(EXAMPLE)
    lab = Lab(tmp_path / "lab", toolchain=Toolchain.BUILT, own_kubectl=True)
    try:
        lab.up(simulated_pools(settings), cpu_nodes=3)
        kubectl = Kubectl(lab)
        kubectl.apply(*installation(), *_surroundings(settings))
        stack = CaseStack(lab, tmp_path / "project", "istio", on_lab(lab, read_stack_document(EXAMPLE)["config"]))
        with istiod(lab), _load_balancer(kubectl, settings.namespace):
            stack.up()
            _check_conditions(kubectl, settings.namespace)
            _check_proxies(kubectl, settings.namespace)
    finally:
        lab.down()


def _check_conditions(kubectl: Kubectl, namespace: str) -> None:
    (gateway,) = kubectl.objects("gateways.gateway.networking.k8s.io", "--namespace", namespace)
    (listener,) = gateway["status"]["listeners"]
    routes = kubectl.objects("httproutes", "--namespace", namespace)
    (pool,) = kubectl.objects("inferencepools", "--namespace", namespace)
    classes = {item["metadata"]["name"]: _true(item["status"]) for item in kubectl.objects("gatewayclasses")}

    assert classes["istio"] == {"Accepted"}
    assert _true(gateway["status"]) == {"Accepted", "Programmed", "ResolvedRefs"}
    assert gateway["status"]["addresses"] == [{"type": "IPAddress", "value": ADDRESS}]
    assert (_true(listener), listener["attachedRoutes"]) == ({"Accepted", "Programmed", "ResolvedRefs"}, len(routes))
    assert {item["metadata"]["name"]: [_true(parent) for parent in item["status"]["parents"]] for item in routes} == {
        "model-catalogue": [{"Accepted", "ResolvedRefs"}],
        "qwen3-32b": [{"Accepted", "ResolvedRefs"}],
    }
    assert [_true(parent) for parent in pool["status"]["parents"]] == [{"Accepted", "ResolvedRefs"}]


def _check_proxies(kubectl: Kubectl, namespace: str) -> None:
    """Istio made what our parameters ask for, and the namespace, which enforces `restricted`, let its pod in."""
    (proxies,) = (
        item for item in kubectl.objects("deployments", "--namespace", namespace) if item["metadata"]["name"] == SERVICE
    )
    (service,) = (
        item for item in kubectl.objects("services", "--namespace", namespace) if item["metadata"]["name"] == SERVICE
    )
    template = proxies["spec"]["template"]
    (container,) = template["spec"]["containers"]

    assert proxies["status"]["availableReplicas"] == 1
    assert container["resources"] == {
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    assert template["metadata"]["labels"]["gateway.networking.k8s.io/gateway-name"] == "inference-gateway"
    assert service["spec"]["type"] == "LoadBalancer"
    assert 443 in {port["port"] for port in service["spec"]["ports"]}


def _true(status: dict[str, Any]) -> set[str]:
    return {item["type"] for item in status["conditions"] if item["status"] == "True"}


def _surroundings(settings: StackSettings) -> list[dict[str, Any]]:
    """What the example says is there already: its namespaces, one restricted, and a certificate."""
    issued = trustme.CA().issue_cert("inference.example.com")
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        _object("Namespace", settings.namespace, labels=restricted),
        _object("Namespace", settings.device_plugin.namespace),
        _object("Secret", "inference-tls", namespace=settings.namespace)
        | {
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": chain.decode(), "tls.key": issued.private_key_pem.bytes().decode()},
        },
    ]


def _object(kind: str, name: str, **metadata: object) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}


def _load_balancer(kubectl: Kubectl, namespace: str) -> AbstractContextManager[None]:
    """Give the proxies' Service an address as soon as it is there, as a cloud would."""
    return status_writer(kubectl, namespace, "service", SERVICE, {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}})
