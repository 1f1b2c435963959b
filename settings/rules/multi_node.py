"""Models of several copies, and those that are spread over several nodes."""

from collections.abc import Iterator

from engines import ENGINES
from settings.controllers import Controller
from settings.faults import Fault
from settings.models import ModelCommand
from settings.rules.rule import Rule
from settings.stack import StackSettings
from settings.workloads import workloads

__all__ = ["RULES"]


def _controller(settings: StackSettings) -> Iterator[Fault]:
    """Nobody would make pods of a LeaderWorkerSet without its controller, and `up` would wait for them in vain."""
    spread = [workload for workload in workloads(settings) if workload.parallelism.nodes > 1]
    if spread and settings.controllers.leader_worker_set is Controller.NONE:
        first = spread[0]
        yield Fault(
            path="controllers.leaderWorkerSet",
            problem=f"{first.path} is spread over {first.parallelism.nodes} nodes, which takes the LeaderWorkerSet"
            " controller",
            given=Controller.NONE,
            allowed=f"{Controller.EXISTING}, where the cluster has it; or parallelism on one node",
        )


def _engines(settings: StackSettings) -> Iterator[Fault]:
    """The engine runs several copies as one server."""
    for workload in workloads(settings):
        model = settings.models[workload.model]
        name, parallelism = model.engine or settings.engine, workload.parallelism
        if parallelism.copies == 1 and not parallelism.expert:
            continue
        path = f"{workload.path}.parallelism"
        reason = ENGINES[name].no_data_parallelism if name in ENGINES else "pass it to the engine in custom.args"
        if reason is not None:
            able = ", ".join(engine for engine, it in ENGINES.items() if it.no_data_parallelism is None)
            problem = f"engine {name} cannot be given data or expert parallelism: {reason}"
            yield Fault(path=path, problem=problem, allowed=f"tensor alone; or engine {able}")
        elif parallelism.nodes > 1 and model.model_command is ModelCommand.IMAGE_DEFAULT:
            yield Fault(
                path=f"models.{workload.model}.modelCommand",
                problem="a server of several nodes computes its rank before it starts, which an image's own entry point"
                " does not",
                given=ModelCommand.IMAGE_DEFAULT,
                allowed=ModelCommand.VLLM_SERVE,
            )


RULES = (
    Rule(
        needs=frozenset({"controllers.leaderWorkerSet"}),
        of_model=frozenset({"parallelism", "prefill"}),
        check=_controller,
    ),
    Rule(
        needs=frozenset({"engine"}),
        of_model=frozenset({"engine", "parallelism", "prefill", "modelCommand"}),
        check=_engines,
    ),
)
