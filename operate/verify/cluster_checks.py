"""What has to be there before a request can be answered: CRDs, GPUs, pods."""

from collections.abc import Iterator

from naming import GATEWAY, ModelNames
from operate.verify.objects import StackObjects
from operate.verify.rows import Row, failed, passed
from settings import StackSettings
from settings.placement import place, pool_capacities
from settings.workloads import workloads

__all__ = ["check_crds", "check_gpus", "check_pods"]

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def check_crds(objects: StackObjects) -> Iterator[Row]:
    """Every CRD of the line is established."""
    for bundle in objects.plan.release.crd_bundles:
        # A file of a bundle is named after its group and plural, as the CRD is the other way round.
        names = [_crd_name(file.path) for file in bundle.files]
        missing = []
        for name in names:
            crd = objects.cluster.get(f"{_CRDS}/{name}")
            conditions = (crd or {}).get("status", {}).get("conditions") or []
            if not any(item["type"] == "Established" and item["status"] == "True" for item in conditions):
                missing.append(name)
        subject = bundle.name
        if missing:
            hint = (
                "`pulumi up` installs them with `llm-d:crds: install`; with `existing`, whoever runs the cluster does"
            )
            yield failed("CRDs", subject, f"not established: {', '.join(missing)}", hint)
        else:
            yield passed("CRDs", subject, f"{len(names)} of {bundle.version} established")


def _crd_name(path: str) -> str:
    group, _, plural = path.rpartition("/")[2].removesuffix(".yaml").partition("_")
    return f"{plural}.{group}"


def check_gpus(objects: StackObjects, settings: StackSettings) -> Iterator[Row]:
    """The nodes of each pool hold the GPUs that the pool's models ask for."""
    placement = place(settings)
    for name, capacity in sorted(pool_capacities(settings.gpu_pools, settings.device_plugin).items()):
        wanted = sum(
            workload.pods * workload.gpus
            for workload in workloads(settings)
            if placement.pool_of[workload.name] == name
        )
        nodes = objects.cluster.items("/api/v1/nodes", capacity.node_selector)
        found = sum(int(node["status"].get("allocatable", {}).get(capacity.gpu_resource, 0)) for node in nodes)
        seen = f"{found} of {capacity.gpu_resource} on {len(nodes)} nodes, {wanted} needed"
        if found >= wanted:
            yield passed("GPUs", name, seen)
        else:
            labels = ",".join(f"{key}={value}" for key, value in capacity.node_selector.items())
            hint = f"`kubectl get nodes -l {labels}`: are there nodes, and does the device plugin run on them?"
            yield failed("GPUs", name, seen, hint)


def check_pods(objects: StackObjects) -> Iterator[Row]:
    """Model servers, pickers and, where this program runs them, proxies are ready."""
    counts: dict[str, tuple[int, int]] = {}
    for model, plan in sorted(objects.plan.models.items()):
        names = ModelNames(model=model)
        for role in plan.service.roles:
            ready = len(objects.servers_of(model, role.label))
            counts[names.server_of(role.label)] = (ready, role.replicas * role.pods_per_replica)
        counts[names.picker] = (len(objects.pods_of(names.picker)), plan.picker.replicas)
    if not objects.plan.provider.route(objects.plan.gateway, objects.plan.gateway.routes[0]):
        counts[GATEWAY] = (len(objects.pods_of(GATEWAY)), objects.plan.gateway.replicas)
    for name, (ready, wanted) in counts.items():
        seen = f"{ready} of {wanted} ready"
        if ready == wanted:
            yield passed("pods", name, seen)
        else:
            hint = f"`kubectl -n {objects.plan.namespace} describe pods` of {name}, and their logs"
            yield failed("pods", name, seen, hint)
