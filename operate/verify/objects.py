"""The stack's objects on a cluster, by what they are for."""

from collections.abc import Mapping
from typing import Any

from naming import ModelNames, model_selector
from operate.verify.cluster import Cluster
from stacks.plan import ModelPlan, StackPlan

__all__ = ["StackObjects", "is_ready"]

Manifest = dict[str, Any]


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is Ready and stays."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and "podIP" in pod["status"] and "deletionTimestamp" not in pod["metadata"]


class StackObjects:
    """Reads a stack's objects from its cluster."""

    def __init__(self, cluster: Cluster, plan: StackPlan) -> None:
        self.cluster = cluster
        self.plan = plan

    def _get(self, api: str, kind: str, name: str) -> Manifest | None:
        return self.cluster.get(f"{api}/namespaces/{self.plan.namespace}/{kind}/{name}")

    def deployment(self, name: str) -> Manifest | None:
        """A Deployment."""
        return self._get("/apis/apps/v1", "deployments", name)

    def service(self, name: str) -> Manifest | None:
        """A Service."""
        return self._get("/api/v1", "services", name)

    def config_map(self, name: str) -> Manifest | None:
        """A ConfigMap."""
        return self._get("/api/v1", "configmaps", name)

    def pool(self, model: str) -> Manifest | None:
        """A model's InferencePool."""
        api_version = self.model(model).picker.pool_api_version
        return self._get(f"/apis/{api_version}", "inferencepools", ModelNames(model=model).pool)

    def route(self, model: str) -> Manifest | None:
        """A model's HTTPRoute, where the provider takes routes as objects."""
        return self._get("/apis/gateway.networking.k8s.io/v1", "httproutes", ModelNames(model=model).pool)

    def model(self, model: str) -> ModelPlan:
        """What the plan says of a model."""
        return self.plan.models[model]

    def ready_pods(self, selector: Mapping[str, str]) -> list[Manifest]:
        """Ready pods of the stack's namespace with these labels, by name."""
        found = self.cluster.items(f"/api/v1/namespaces/{self.plan.namespace}/pods", selector)
        return sorted(filter(is_ready, found), key=lambda pod: str(pod["metadata"]["name"]))

    def pods_of(self, deployment: str) -> list[Manifest]:
        """Ready pods of a Deployment; none where there is none."""
        found = self.deployment(deployment)
        return self.ready_pods(found["spec"]["selector"]["matchLabels"]) if found else []

    def servers(self, model: str) -> list[Manifest]:
        """Ready model servers of all roles."""
        return [pod for role in self.model(model).service.roles for pod in self.servers_of(model, role.label)]

    def servers_of(self, model: str, role: str) -> list[Manifest]:
        """Ready model servers of a role, be they a Deployment's or a LeaderWorkerSet's."""
        return self.ready_pods(model_selector(model, role))

    def picker(self, model: str) -> Manifest | None:
        """A ready picker pod of a model."""
        pods = self.pods_of(ModelNames(model=model).picker)
        return pods[0] if pods else None
