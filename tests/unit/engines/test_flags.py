"""Every argument that this program emits exists in the parser of the engine's pinned version.

What these tests cannot prove: that a value is one that the parser takes, or that an image holds the version it says.
"""

import pytest

from components.model_service import ModelServiceArgs, build
from engines import ENGINES, CpuTier, KvEvents, KvTransfer, LoraAdapter, LoraServing, Role, ServingRequest
from engines.flags import flag_lists, flags_in, meant
from operate.workspace import ROOT
from releases import RELEASES
from settings import load_stack_file
from stacks import plan_stack
from tests.support.configs import plan
from tests.support.references import pod_templates

STACKS = {path.stem.removeprefix("Pulumi."): path for path in (ROOT / "Pulumi.dev.yaml", *ROOT.glob("examples/*.yaml"))}
# As vllm/engine/arg_utils.py, srt/server_args.py and tensorrt_llm/commands/serve.py spell them.
ALIASES = [
    ("vllm", ("--tensor-parallel-size", "-tp")),
    ("vllm", ("--pipeline-parallel-size", "-pp")),
    ("vllm", ("--data-parallel-size", "-dp")),
    ("vllm", ("--data-parallel-size-local", "-dpl")),
    ("vllm", ("--data-parallel-address", "-dpa")),
    ("vllm", ("--data-parallel-rpc-port", "-dpp")),
    ("vllm", ("--data-parallel-rank", "-dpn")),
    ("vllm", ("--data-parallel-start-rank", "-dpr")),
    ("vllm", ("--data-parallel-hybrid-lb", "-dph")),
    ("vllm", ("--data-parallel-external-lb", "-dpe")),
    ("vllm", ("--data-parallel-multi-port-external-lb", "-dpm")),
    ("vllm", ("--enable-expert-parallel", "-ep")),
    ("vllm", ("--nnodes", "-n")),
    ("vllm", ("--node-rank", "-r")),
    ("sglang", ("--model-path", "--model")),
    ("sglang", ("--tensor-parallel-size", "--tp-size")),
    ("sglang", ("--pipeline-parallel-size", "--pp-size")),
    ("tensorrt-llm", ("--tensor_parallel_size", "--tp_size")),
    ("tensorrt-llm", ("--pipeline_parallel_size", "--pp_size")),
    ("tensorrt-llm", ("--extra_llm_api_options", "--config")),
]
PINS = [
    (line.name, name, image, pin.engine_version)
    for line in RELEASES.values()
    for name, pins in line.engines.items()
    for image, pin in pins.images.items()
]


@pytest.mark.parametrize(("line", "engine", "image", "version"), PINS)
def test_every_pinned_version_has_its_list(line: str, engine: str, image: str, version: str) -> None:
    """A pin without a list would leave its arguments unchecked; only TensorRT-LLM's source could not be had whole."""
    found = flag_lists()[engine][version]

    assert (line, found.is_complete) == (line, engine != "tensorrt-llm")
    assert (image, found.origin == "") == (image, False)


@pytest.mark.parametrize(("line", "engine", "image", "version"), PINS)
@pytest.mark.parametrize("tensor", [1, 2])
def test_an_adapter_emits_what_the_pinned_version_knows(
    line: str, engine: str, image: str, version: str, tensor: int
) -> None:
    """Whatever image of whatever line: no argument of the container is unknown to the engine in it."""
    changes = {
        "release": line,
        "engine": engine,
        "models.qwen.image": image,
        "models.qwen.parallelism": {"tensor": tensor},
        "gpuPools": {"h100": {"instanceType": "p5.48xlarge"}},
    }
    if isinstance(ENGINES[engine].lora, LoraServing):
        changes["models.qwen.loraAdapters"] = {"support": {"source": "hf://org/support"}}
    service = plan(changes).models["qwen"].service
    assert service.engine_version == version
    assert _unknown(service) == []


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_a_shipped_stack_emits_what_its_engines_know(stack: str) -> None:
    """Every argument of every model server of every example is in the list of its engine's version."""
    models = plan_stack(load_stack_file(STACKS[stack])).models

    assert {name: _unknown(model.service) for name, model in models.items()} == {name: [] for name in models}


@pytest.mark.parametrize(("engine", "versions"), sorted((name, sorted(found)) for name, found in flag_lists().items()))
def test_what_the_program_reserves_exists(engine: str, versions: list[str]) -> None:
    """A reserved flag that no version has would refuse a user's argument for nothing."""
    known = frozenset().union(*(flag_lists()[engine][version].flags for version in versions))

    reserved = [*ENGINES[engine].own_flags]
    events, tier = ENGINES[engine].kv_events, ENGINES[engine].cpu_tier
    reserved += [*tier.owned_flags, *tier.gpu_flags] if isinstance(tier, CpuTier) else []
    reserved += events.owned_flags if isinstance(events, KvEvents) else []

    assert [flag for flag in reserved if flag not in known] == []


@pytest.mark.parametrize(
    ("engine", "command"), [(name, word) for name in ENGINES for word in ENGINES[name].model_commands]
)
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("pods", [1, 2])
def test_whatever_an_adapter_emits_is_reserved(engine: str, command: str, role: Role, pods: int) -> None:
    """Of every part of a container: a user's own argument beside it would say the same thing a second time."""
    adapter = ENGINES[engine]
    request = ServingRequest(
        model="s3://models/qwen",
        served_name="chat",
        port=8000,
        tensor_parallelism=2,
        model_command=command,
        version="",
        role=role,
        revision="main",
        streams=True,
        copies=2 * pods,
        copies_per_pod=2,
        pods_per_replica=pods,
        expert_parallelism=True,
        event_block_tokens=64,
        adapters=(LoraAdapter(name="support", path="org/support", rank=16),),
        cpu_tier_bytes=2**37,
    )
    container = adapter.container(request)
    transfer = adapter.kv_transfer
    of_roles = transfer.owned_flags if isinstance(transfer, KvTransfer) else frozenset()
    of_events = adapter.kv_events.owned_flags.keys() if isinstance(adapter.kv_events, KvEvents) else frozenset()
    of_adapters = adapter.lora.owned_flags if isinstance(adapter.lora, LoraServing) else frozenset()
    of_tier = adapter.cpu_tier.owned_flags.keys() if isinstance(adapter.cpu_tier, CpuTier) else frozenset()
    emitted = {flag for part in (container.command, container.args) for text in part for flag in flags_in(text.split())}
    # What starts the engine: Python's and the shell's.
    emitted -= {"-m", "-c"}

    owned = of_roles | of_events | of_adapters | of_tier
    assert emitted - adapter.own_flags.keys() - adapter.streaming_flags - owned == set()
    assert not adapter.own_flags.keys() & adapter.streaming_flags


@pytest.mark.parametrize(("engine", "names"), ALIASES)
def test_a_reserved_flag_is_reserved_by_every_name(engine: str, names: tuple[str, ...]) -> None:
    """A short name is the same argument, and has the same reason."""
    assert len({ENGINES[engine].own_flags.get(name, f"{name} is free") for name in names}) == 1
    assert names[0] in ENGINES[engine].own_flags


def test_flags_are_told_from_values() -> None:
    """A negative number, JSON and a path are values; what follows an equals sign is one, too."""
    arguments = ["--a", "-1", "--b=-x", "-tp", '{"--c": 1}', "/--d", "-0.5", "--"]

    assert list(flags_in(arguments)) == ["--a", "--b", "-tp"]


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("--max-len", "--max-len"),
        ("--max_len", "--max-len"),
        ("--config.level", "--config"),
        ("--no-max-len", "--max-len"),
        ("-O3", "-O"),
        ("--conf", "--config"),
        ("--max", None),
        ("--maxlen", None),
        ("-p", None),
    ],
)
def test_the_spellings_that_a_parser_takes(flag: str, name: str | None) -> None:
    """Underscores, fields, negations, beginnings of one alone and short flags with their value are one flag."""
    assert meant({"--max-len", "--max-num", "--config", "-O"}, flag) == name


def _unknown(service: ModelServiceArgs) -> list[str]:
    if service.engine.name not in ENGINES:
        return []
    known = flag_lists()[service.engine.name][service.engine_version].flags
    containers = [
        container
        for item in build(service).values()
        if item["kind"] in {"Deployment", "LeaderWorkerSet"}
        for _, template in pod_templates([item])
        for container in template["spec"]["containers"]
    ]
    assert [container["name"] for container in containers] == ["modelserver"] * len(containers)
    return [flag for container in containers for flag in flags_in(container["args"]) if meant(known, flag) is None]
