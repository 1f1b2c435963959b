"""`make verify`: every question in order, with progress while it waits."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from lab.progress import Reporter
from operate.errors import OperateError
from operate.stack_files import is_lab_stack, load_stack, stack_path
from operate.verify.cluster import Cluster, connect
from operate.verify.cluster_checks import check_crds, check_gpus, check_pods
from operate.verify.objects import StackObjects
from operate.verify.picker_checks import check_metric_maps, check_ready_pods
from operate.verify.pool_checks import check_labels, check_pools, check_routes
from operate.verify.request_checks import check_figures, check_requests
from operate.verify.rows import Row, failed
from operate.workspace import ROOT
from settings import StackSettings
from settings.cluster import ClusterSettings, ExistingCluster
from settings.kubeconfig import KubeconfigError, read_kubeconfig
from stacks.plan import plan_stack

__all__ = ["ask_at_rest", "ask_by_request", "kubectl_arguments", "verify"]


def ask_at_rest(objects: StackObjects, settings: StackSettings) -> Iterator[Row]:
    """What is asked without a request."""
    yield from _guarded(
        {
            "CRDs": lambda: check_crds(objects),
            "GPUs": lambda: check_gpus(objects, settings),
            "pods": lambda: check_pods(objects),
            "pool": lambda: check_pools(objects),
            "route": lambda: check_routes(objects),
            "engine label": lambda: check_labels(objects),
            "metric map": lambda: check_metric_maps(objects),
            "picker's pods": lambda: check_ready_pods(objects),
        }.items()
    )


def ask_by_request(objects: StackObjects, wait: Callable[[str], None]) -> Iterator[Row]:
    """What only a request can tell."""
    yield from _guarded(
        {
            "request": lambda: check_requests(objects),
            "figures": lambda: check_figures(objects, wait),
        }.items()
    )


def _guarded(checks: Iterable[tuple[str, Callable[[], Iterable[Row]]]]) -> Iterator[Row]:
    """A check that cannot be carried out is a failed one, and the others go on."""
    for name, check in checks:
        try:
            yield from check()
        except OperateError as error:
            yield failed(
                name, "the stack", str(error), "may this user read the stack's namespace and proxy to its pods?"
            )


def verify(stack: str, reporter: Reporter, context: str | None = None) -> list[Row]:
    """Ask a stack's cluster; the answers.

    Args:
        stack: Its name, or its file.
        reporter: Where progress goes.
        context: Context of the kubeconfig, in the place of the config's; needed where the config names no kubeconfig.

    Raises:
        OperateError: if the cluster cannot be asked at all.
    """
    settings = load_stack(stack_path(stack))
    if is_lab_stack(settings):
        raise OperateError("on the lab no pod runs, so nothing answers; `make smoke` starts real ones")
    with connect(kubectl_arguments(settings.cluster, context)) as cluster:
        return _ask_all(cluster, settings, reporter)


def _ask_all(cluster: Cluster, settings: StackSettings, reporter: Reporter) -> list[Row]:
    objects = StackObjects(cluster, plan_stack(settings))
    with reporter.step("asking the cluster") as ticker:
        rows = []
        for row in chain(ask_at_rest(objects, settings), ask_by_request(objects, ticker.tick)):
            ticker.tick(f"{row.check}, {row.subject}")
            rows.append(row)
    return rows


def kubectl_arguments(cluster: ClusterSettings, context: str | None) -> tuple[str, ...]:
    """Which cluster kubectl is to ask: the stack's, and never whatever its current context happens to be.

    Raises:
        OperateError: if neither config nor `context` tells the cluster, or the kubeconfig has no such context.
    """
    there = cluster.there
    if there is None and context is None:
        raise OperateError(
            "the stack's config names no kubeconfig, and kubectl's current context may be another cluster's;\n"
            "name the stack's: `python -m operate verify --stack STACK --context CONTEXT`"
            " (for EKS, `aws eks update-kubeconfig` writes one)"
        )
    there = there or ExistingCluster()
    try:
        found = read_kubeconfig(there if context is None else there.model_copy(update={"context": context}), ROOT)
    except KubeconfigError as error:
        raise OperateError(f"{error}; {error.allowed}" if error.allowed else str(error)) from error
    return (f"--kubeconfig={found.path}", f"--context={found.context}")
