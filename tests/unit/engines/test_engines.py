"""What each engine is started with, and where it tells its load.

What these tests cannot prove: that the image's engine takes these flags and emits these metrics; the adapters name
the versions and files in which they were read.
"""

from dataclasses import replace

import pytest

from engines import (
    CUSTOM,
    ENGINES,
    Custom,
    Engine,
    EngineContainer,
    KvProtocol,
    KvTransfer,
    MetricMap,
    NoKvTransfer,
    ProbePaths,
    Role,
    ServingRequest,
)

PROBES = ProbePaths(liveness="/health", readiness="/v1/models")
CUSTOM_ENGINE = Custom(
    command=("serve",),
    args=("--fast",),
    env={"A": "1"},
    probes=ProbePaths(liveness="/live", readiness="/ready"),
    metric_map=MetricMap(path="/m", queued_requests="waiting", kv_cache_usage="usage"),
    default_port=9000,
)
VLLM_CACHES = ("VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE")
SGLANG_CACHES = ("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE")


def _request(command: str, *, tensor: int = 1, extra: tuple[str, ...] = ()) -> ServingRequest:
    return ServingRequest(
        model="Qwen/Qwen3-0.6B",
        served_name="chat",
        port=8000,
        tensor_parallelism=tensor,
        model_command=command,
        version="",
        extra_args=extra,
    )


def _vllm(command: tuple[str, ...], *args: str) -> EngineContainer:
    return EngineContainer(
        command=command,
        args=args,
        probes=PROBES,
        env={"VLLM_NO_USAGE_STATS": "1"},
        run_as_user=2000,
        cache_variables=VLLM_CACHES,
    )


def _sglang(*args: str) -> EngineContainer:
    return EngineContainer(
        command=("python3", "-m", "sglang.launch_server"),
        args=args,
        probes=PROBES,
        env={"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"},
        run_as_user=2000,
        cache_variables=SGLANG_CACHES,
    )


TENSORRT = (
    *("Qwen/Qwen3-0.6B", "--host", "0.0.0.0", "--port", "8000", "--served_model_name", "chat"),  # noqa: S104 - the pod's own address
    *("--backend", "pytorch", "--extra_llm_api_options", "/etc/llm-d/llm-api-options.yaml"),
)


def _tensorrt(*args: str) -> EngineContainer:
    return EngineContainer(
        command=("trtllm-serve", "serve"),
        args=args,
        probes=PROBES,
        env={
            "LD_LIBRARY_PATH": "/usr/local/tensorrt/lib:/usr/local/cuda/lib64:/usr/local/nvidia/lib64",
            "PMIX_HOSTNAME": "trtllm-node",
        },
        files={"llm-api-options.yaml": "enable_iter_perf_stats: true\nreturn_perf_metrics: true\n"},
        run_as_user=2000,
        cache_variables=SGLANG_CACHES,
    )


PORT_AND_NAME = ("--port", "8000", "--served-model-name", "chat")
SGLANG = (
    *("--model-path", "Qwen/Qwen3-0.6B", "--served-model-name", "chat"),
    *("--host", "0.0.0.0", "--port", "8000", "--enable-metrics"),  # noqa: S104 - the pod's own address
)
QUIET = "--disable-uvicorn-access-log"


@pytest.mark.parametrize(
    ("engine", "request_", "expected"),
    [
        ("vllm", _request("vllmServe"), _vllm(("vllm", "serve"), "Qwen/Qwen3-0.6B", *PORT_AND_NAME, QUIET)),
        ("vllm", _request("imageDefault"), _vllm((), "--model", "Qwen/Qwen3-0.6B", *PORT_AND_NAME, QUIET)),
        (
            "vllm",
            _request("vllmServe", tensor=2),
            _vllm(("vllm", "serve"), "Qwen/Qwen3-0.6B", *PORT_AND_NAME, "--tensor-parallel-size", "2", QUIET),
        ),
        (
            "vllm",
            _request("vllmServe", extra=("--max-model-len", "4096")),
            _vllm(("vllm", "serve"), "Qwen/Qwen3-0.6B", *PORT_AND_NAME, QUIET, "--max-model-len", "4096"),
        ),
        ("sglang", _request("custom"), _sglang(*SGLANG)),
        ("sglang", _request("custom", tensor=2), _sglang(*SGLANG, "--tensor-parallel-size", "2")),
        ("sglang", _request("custom", extra=("--tp", "2")), _sglang(*SGLANG, "--tp", "2")),
        ("tensorrt-llm", _request("custom"), _tensorrt(*TENSORRT)),
        ("tensorrt-llm", _request("custom", tensor=2), _tensorrt(*TENSORRT, "--tp_size", "2")),
        (
            "tensorrt-llm",
            _request("custom", extra=("--max_seq_len", "4096")),
            _tensorrt(*TENSORRT, "--max_seq_len", "4096"),
        ),
    ],
)
def test_the_container_of_an_engine(engine: str, request_: ServingRequest, expected: EngineContainer) -> None:
    """Command, arguments in their order, probes, environment, uid and caches are exactly these."""
    assert ENGINES[engine].container(request_) == expected


@pytest.mark.parametrize(
    ("role", "keep_alive"), [(Role.PREFILL, {"VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "120"}), (Role.DECODE, {})]
)
def test_the_roles_of_vllm(role: Role, keep_alive: dict[str, str]) -> None:
    """Both roles have the same connector, before the user's own arguments; prefill keeps connections open longer."""
    transfer = ("--kv-transfer-config", '{"kv_connector":"NixlConnector","kv_role":"kv_both"}')
    plain = _vllm(("vllm", "serve"), "Qwen/Qwen3-0.6B", *PORT_AND_NAME, QUIET, *transfer, "--seed", "1")

    assert ENGINES["vllm"].container(replace(_request("vllmServe", extra=("--seed", "1")), role=role)) == replace(
        plain,
        env={**plain.env, "VLLM_NIXL_SIDE_CHANNEL_PORT": "5600", **keep_alive},
        field_env={"VLLM_NIXL_SIDE_CHANNEL_HOST": "status.podIP"},
    )


@pytest.mark.parametrize("role", [Role.PREFILL, Role.DECODE])
def test_the_roles_of_sglang(role: Role) -> None:
    """Each server is told its role and where the bootstrap server is."""
    disaggregation = (
        *("--disaggregation-mode", role, "--disaggregation-transfer-backend", "nixl"),
        *("--disaggregation-bootstrap-port", "8998"),
    )

    assert ENGINES["sglang"].container(replace(_request("custom"), role=role)) == _sglang(*SGLANG, *disaggregation)


def test_caches_go_over_libfabric_where_they_are_told_to() -> None:
    """Each engine names NIXL's backend in its own way, in both roles; a server by itself is told nothing."""
    config = (
        '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_connector_extra_config":{"backends":["LIBFABRIC"]}}'
    )
    for role in (Role.PREFILL, Role.DECODE):
        vllm = ENGINES["vllm"].container(replace(_request("vllmServe"), role=role, libfabric=True))
        sglang = ENGINES["sglang"].container(replace(_request("custom"), role=role, libfabric=True))

        assert vllm.args[vllm.args.index("--kv-transfer-config") + 1] == config
        assert sglang.env["SGLANG_DISAGGREGATION_NIXL_BACKEND"] == "LIBFABRIC"

    for engine, command in (("vllm", "vllmServe"), ("sglang", "custom")):
        alone = _request(command)
        assert ENGINES[engine].container(replace(alone, libfabric=True)) == ENGINES[engine].container(alone)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            _request("vllmServe"),
            _vllm(
                ("vllm", "serve"),
                *("Qwen/Qwen3-0.6B", *PORT_AND_NAME, QUIET, "--block-size", "64", "--kv-events-config"),
                '{"enable_kv_cache_events":true,"endpoint":"tcp://*:5556","publisher":"zmq",'
                '"topic":"kv@$(POD_IP):8000@chat"}',
            ),
        ),
        (
            _request("custom"),
            _sglang(
                *(*SGLANG, "--page-size", "64", "--kv-events-config"),
                '{"endpoint":"tcp://*:5556","publisher":"zmq","topic":"kv@$(POD_IP):8000@chat"}',
            ),
        ),
    ],
    ids=["vllm", "sglang"],
)
def test_a_server_publishes_what_it_has_cached(request_: ServingRequest, expected: EngineContainer) -> None:
    """Under its own address and the model's name, in blocks of the size that it is told; vLLM alone is switched on."""
    engine = ENGINES["vllm" if request_.model_command == "vllmServe" else "sglang"]

    found = engine.container(replace(request_, event_block_tokens=64))

    assert found == replace(expected, field_env={"POD_IP": "status.podIP"})


def test_vllm_is_given_a_tier_in_bytes() -> None:
    """Of the whole pod: its connector divides it among the ranks."""
    request = replace(_request("vllmServe", tensor=2), cpu_tier_bytes=200 * 2**30)
    start = ("Qwen/Qwen3-0.6B", *PORT_AND_NAME, "--tensor-parallel-size", "2", QUIET, "--kv-transfer-config")
    offloading = (
        '{"kv_connector":"OffloadingConnector","kv_connector_extra_config":{"cpu_bytes_to_use":214748364800},'
        '"kv_role":"kv_both"}'
    )

    assert ENGINES["vllm"].container(request) == _vllm(("vllm", "serve"), *start, offloading)


@pytest.mark.parametrize(("tensor", "size"), [(1, "214"), (2, "107")])
def test_sglang_is_given_a_tier_in_gigabytes_of_each_gpu(tensor: int, size: str) -> None:
    """Never more than the pod has, and in pages of the guide's size."""
    request = replace(_request("custom", tensor=tensor), cpu_tier_bytes=200 * 2**30)
    parallel = ("--tensor-parallel-size", str(tensor)) if tensor > 1 else ()
    tier = (
        *("--page-size", "64", "--enable-hierarchical-cache", "--hicache-size", size),
        *("--hicache-write-policy", "write_through", "--hicache-io-backend", "kernel"),
    )

    assert ENGINES["sglang"].container(request) == _sglang(*SGLANG, *parallel, *tier)


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (ENGINES["vllm"], (KvProtocol.NIXL, "nixl", 5600, {})),
        (ENGINES["sglang"], (KvProtocol.SGLANG, "bootstrap", 8998, {"SGLANG_BOOTSTRAP_PORT": "8998"})),
        (CUSTOM_ENGINE, None),
    ],
)
def test_how_an_engine_hands_caches_over(engine: Engine, expected: tuple[object, ...] | None) -> None:
    """Protocol and port are the engine's, and what the sidecar has to be told of them; engine custom has none."""
    transfer = engine.kv_transfer

    if expected is None:
        assert isinstance(transfer, NoKvTransfer)
    else:
        assert isinstance(transfer, KvTransfer)
        assert (transfer.protocol, transfer.port_name, transfer.port, dict(transfer.sidecar_env)) == expected
        assert not transfer.owned_flags & transfer.agreed_flags


def test_engine_custom_runs_what_it_is_given() -> None:
    """The user's command and arguments are passed on as they are; only the model's extra arguments are added."""
    assert CUSTOM_ENGINE.container(_request("custom", tensor=2, extra=("--more",))) == EngineContainer(
        command=("serve",),
        args=("--fast", "--more"),
        probes=ProbePaths(liveness="/live", readiness="/ready"),
        env={"A": "1"},
        run_as_user=2000,
        cache_variables=(),
    )


@pytest.mark.parametrize(
    ("engine", "version", "expected"),
    [
        (
            ENGINES["vllm"],
            "0.26.0",
            MetricMap(
                path="/metrics",
                queued_requests="vllm:num_requests_waiting",
                running_requests="vllm:num_requests_running",
                kv_cache_usage="vllm:kv_cache_usage_perc",
                lora_info="vllm:lora_requests_info",
                cache_info="vllm:cache_config_info",
            ),
        ),
        (
            ENGINES["sglang"],
            "0.5.6.post2",
            MetricMap(
                path="/metrics",
                queued_requests="sglang:num_queue_reqs",
                running_requests="sglang:num_running_reqs",
                kv_cache_usage="sglang:token_usage",
                lora_info="",
                cache_info="",
            ),
        ),
        (
            ENGINES["sglang"],
            "0.5.13.post1",
            MetricMap(
                path="/metrics",
                queued_requests="sglang:num_queue_reqs",
                running_requests="sglang:num_running_reqs",
                kv_cache_usage="sglang:token_usage",
                cache_block_size="sglang:page_size",
                cache_blocks="sglang:num_pages",
            ),
        ),
        (
            ENGINES["tensorrt-llm"],
            "1.3.0rc18",
            MetricMap(
                path="/prometheus/metrics",
                queued_requests="trtllm_num_requests_waiting",
                running_requests="trtllm_num_requests_running",
                kv_cache_usage="trtllm_kv_cache_utilization",
                cache_block_size="trtllm_kv_cache_tokens_per_block",
                cache_blocks="trtllm_kv_cache_max_blocks",
            ),
        ),
        (CUSTOM_ENGINE, "", MetricMap(path="/m", queued_requests="waiting", kv_cache_usage="usage")),
    ],
)
def test_the_metric_map_of_an_engine(engine: Engine, version: str, expected: MetricMap) -> None:
    """Each engine tells its load under its own names; an empty name means that this version does not tell."""
    assert engine.metrics(version) == expected


def test_the_known_engines() -> None:
    """Each engine is found by the name that it gives itself, with its port and its ways to be started."""
    known = {
        name: (engine.name, engine.engine_type, engine.default_port, engine.model_commands)
        for name, engine in ENGINES.items()
    }

    assert known == {
        "vllm": ("vllm", "vllm", 8000, ("vllmServe", "imageDefault")),
        "sglang": ("sglang", "sglang", 8000, ("custom",)),
        "tensorrt-llm": ("tensorrt-llm", "trtllm-serve", 8000, ("custom",)),
    }
    assert (CUSTOM_ENGINE.name, CUSTOM_ENGINE.model_commands, CUSTOM) == ("custom", ("custom",), "custom")


@pytest.mark.parametrize("engine", [*ENGINES.values(), CUSTOM_ENGINE], ids=lambda engine: engine.name)
def test_no_engine_runs_as_root(engine: Engine) -> None:
    """The uid is the one that the images' files can be read by, and not 0."""
    assert engine.container(_request(engine.model_commands[0])).run_as_user == 2000
