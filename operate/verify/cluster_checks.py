"""What has to be there before a request can be answered: CRDs, GPUs, pods."""

from collections.abc import Iterator

from components.endpoint_picker import build as build_picker
from components.model_service import RoleArgs
from naming import GATEWAY, ModelNames
from operate.verify.objects import StackObjects
from operate.verify.rows import NO_POD, Row, failed, not_asked, passed
from settings import StackSettings
from settings.placement import place, pool_capacities
from settings.workloads import workloads_of
from stacks.plan import ModelPlan, StackPlan

__all__ = ["check_crds", "check_gpus", "check_pods"]

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def check_crds(objects: StackObjects) -> Iterator[Row]:
    """Every CRD of the line is established; where others bring the CRDs, each that the stack has objects of."""
    plan = objects.plan
    made = None if plan.install_crds else _made(plan)
    for bundle in plan.release.crd_bundles:
        # A file of a bundle is named after its group and plural, as the CRD is the other way round.
        names = [name for name in (_crd_name(file.path) for file in bundle.files) if made is None or name in made]
        if not names:
            continue
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
            # Those of others may be of any version.
            which = f"{len(names)} of {bundle.version}" if plan.install_crds else ", ".join(sorted(names))
            yield passed("CRDs", subject, f"{which} established")


def _crd_name(path: str) -> str:
    group, _, plural = path.rpartition("/")[2].removesuffix(".yaml").partition("_")
    return f"{plural}.{group}"


def _made(plan: StackPlan) -> frozenset[str]:
    """Names of the CRDs, if they are any, of what pickers and gateway have on the cluster."""
    manifests = [*plan.provider.objects(plan.gateway).values()]
    for model in plan.models.values():
        manifests += [*build_picker(model.picker).values(), *plan.provider.route(plan.gateway, model.route).values()]
    # All kinds of the line's bundles that a stack makes have a plural of this form.
    return frozenset(f"{item['kind'].lower()}s.{item['apiVersion'].partition('/')[0]}" for item in manifests)


def check_gpus(objects: StackObjects, settings: StackSettings) -> Iterator[Row]:
    """The nodes of each pool hold the GPUs that the pool's models ask for; with an autoscaler, ask for at least."""
    placement = place(settings)
    for name, capacity in sorted(pool_capacities(settings.gpu_pools, settings.device_plugin).items()):
        wanted = sum(
            _pod_bounds(plan, role)[0] * role.gpus_per_pod
            for model, plan in objects.plan.models.items()
            for workload, role in zip(workloads_of(model, settings.models[model]), plan.service.roles, strict=True)
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


def _pod_bounds(plan: ModelPlan, role: RoleArgs) -> tuple[int, int]:
    """The fewest and the most pods that a role may have."""
    if plan.autoscaler is None or not role.autoscaled:
        return role.pods, role.pods
    return plan.autoscaler.min_replicas * role.pods_per_replica, plan.autoscaler.max_replicas * role.pods_per_replica


def check_pods(objects: StackObjects) -> Iterator[Row]:
    """Model servers, pickers, what tokenizes for them and, where this program runs them, proxies are ready."""
    counts: dict[str, tuple[int, tuple[int, int]]] = {}
    for model, plan in sorted(objects.plan.models.items()):
        names = ModelNames(model=model)
        for role in plan.service.roles:
            ready = len(objects.servers_of(model, role.label))
            counts[names.server_of(role.label)] = (ready, _pod_bounds(plan, role))
        if plan.render is not None:
            counts[names.render] = (len(objects.pods_of(names.render)), (plan.render.replicas,) * 2)
        counts[names.picker] = (len(objects.pods_of(names.picker)), (plan.picker.replicas,) * 2)
    if not objects.plan.provider.route(objects.plan.gateway, objects.plan.gateway.routes[0]):
        counts[GATEWAY] = (len(objects.pods_of(GATEWAY)), (objects.plan.gateway.replicas,) * 2)
    for name, (ready, (fewest, most)) in counts.items():
        seen = f"{ready} of {most} ready" if fewest == most else f"{ready} ready, its autoscaler wants {fewest}-{most}"
        if ready == fewest == 0:
            yield not_asked("pods", name, NO_POD)
        elif fewest <= ready <= most:
            yield passed("pods", name, seen)
        else:
            hint = f"`kubectl -n {objects.plan.namespace} describe pods` of {name}, and their logs"
            yield failed("pods", name, seen, hint)
