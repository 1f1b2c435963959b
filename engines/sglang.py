"""SGLang.

Flags as sglang 0.5.6.post2 and 0.5.13.post1 define them in srt/server_args.py, metric names as srt/metrics/collector.py
and, in the later one, srt/observability/metrics_collector.py emit them. Neither has `sglang:cache_config_info`, which
llm-d's picker looks for of itself: 0.5.13.post1 tells page size and number of pages by gauges of their own, 0.5.6.post2
not at all.
"""

import json
from types import MappingProxyType

from packaging.version import Version

from engines.base import (
    LORA_SLOTS,
    NO_KEY,
    PLAIN_HTTP,
    PLAIN_PATHS,
    POD_IP,
    CpuTier,
    EngineContainer,
    Feature,
    KvEvents,
    KvProtocol,
    KvTransfer,
    LoraServing,
    MetricMap,
    ProbePaths,
    Role,
    ServingRequest,
    event_topic,
)
from engines.workarounds import Workaround, environment

__all__ = ["WORKAROUNDS", "Sglang"]

# Where a prefill server tells decode servers how to reach it: SGLang's default and the sidecar's.
_BOOTSTRAP_PORT = 8998

# llm-d's guide for hierarchical caches; pages of one token, the default, would be copied one by one.
_TIERED_PAGE = 64

# What SGLang calls a gigabyte (srt/mem_cache/memory_pool_host.py: hicache_size * 1e9 bytes, for each rank).
_GB = 10**9

_TELLS_PAGES = Version("0.5.13.post1")
"""First version of which it was read that it emits `sglang:page_size` and `sglang:num_pages`."""

WORKAROUNDS = (
    Workaround(
        since="0.5.6.post2",
        thread="srt/entrypoints/http_server.py",
        why="/health generates a token, which waits behind a full queue: a busy server would be restarted",
        env={"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"},
    ),
)


class Sglang:
    """The adapter of SGLang's server."""

    name = "sglang"
    engine_type = "sglang"
    default_port = 8000
    health_path = "/health"
    version_floor = None
    own_flags = MappingProxyType(
        {
            "--model-path": "source",
            "--model": "source",
            "--revision": "revision",
            "--served-model-name": "servedName",
            "--host": "the engine listens on the pod's address",
            "--port": "the engine's port is the pool's",
            "--tensor-parallel-size": "parallelism.tensor",
            "--tp-size": "parallelism.tensor",
            "--enable-metrics": "the picker reads them",
            **dict.fromkeys(
                ("--pipeline-parallel-size", "--pp-size", "--nnodes", "--node-rank"),
                "a replica is one pod, with GPUs for parallelism.tensor",
            ),
            "--fastapi-root-path": PLAIN_PATHS,
            **dict.fromkeys(("--api-key", "--admin-api-key"), NO_KEY),
            **dict.fromkeys(
                ("--ssl-keyfile", "--ssl-keyfile-password", "--ssl-certfile", "--ssl-ca-certs"), PLAIN_HTTP
            ),
        }
    )
    streaming_flags = frozenset({"--load-format"})
    no_data_parallelism = "llm-d has no guide for it (wide expert parallelism is vLLM's alone up to 0.9)"
    model_commands = ("custom",)
    features = frozenset({Feature.REVISION, Feature.OBJECT_STORAGE, Feature.PREFETCH, Feature.LIBFABRIC})
    kv_transfer = KvTransfer(
        protocol=KvProtocol.SGLANG,
        port_name="bootstrap",
        port=_BOOTSTRAP_PORT,
        # The sidecar writes the port into both bodies of a request (connector_sglang.go).
        sidecar_env={"SGLANG_BOOTSTRAP_PORT": str(_BOOTSTRAP_PORT)},
        owned_flags=frozenset(
            {"--disaggregation-bootstrap-port", "--disaggregation-mode", "--disaggregation-transfer-backend"}
        ),
        agreed_flags=frozenset({"--dtype", "--kv-cache-dtype", "--page-size"}),
    )

    kv_events = KvEvents(
        owned_flags=MappingProxyType(
            {
                "--disable-radix-cache": "without that cache there is nothing to route by",
                "--kv-events-config": "the picker subscribes to them",
                "--page-size": "picker and engine count in the same blocks",
            }
        )
    )
    # An adapter's name alone is taken for the model's: the model itself would answer, without a word
    # (_parse_model_parameter in srt/entrypoints/openai/serving_base.py).
    lora = LoraServing(
        form="{model}:{adapter}",
        not_in_served_name=":",
        owned_flags=frozenset({"--enable-lora", "--lora-paths", "--max-lora-rank", "--max-loras-per-batch"}),
    )

    cpu_tier = CpuTier(
        owned_flags=MappingProxyType(
            {
                "--disable-radix-cache": "without that cache there is nothing to keep",
                "--enable-hierarchical-cache": "tieredPrefixCache is it",
                **dict.fromkeys(("--hicache-ratio", "--hicache-size"), "the size is tieredPrefixCache.cpuMemory"),
                **dict.fromkeys(
                    ("--hicache-io-backend", "--hicache-write-policy", "--page-size"), "they are those of llm-d's guide"
                ),
            }
        ),
        above_gpu="SGLang stops with 'The host memory should be larger than the device memory with the current"
        " protocol' (srt/mem_cache/memory_pool_host.py)",
        gpu_flags=frozenset({"--max-total-tokens", "--mem-fraction-static"}),
    )

    def container(self, request: ServingRequest) -> EngineContainer:
        """`python3 -m sglang.launch_server --model-path MODEL ...`."""
        args = ["--model-path", request.model, "--served-model-name", request.served_name]
        # SGLang listens on 127.0.0.1:30000 by default: neither the probes nor the gateway would reach it.
        args += ["--host", "0.0.0.0", "--port", str(request.port)]  # noqa: S104 - the pod's own address
        # Off by default, and without it the picker's load scorers are blind.
        args.append("--enable-metrics")
        if request.tensor_parallelism > 1:
            args += ["--tensor-parallel-size", str(request.tensor_parallelism)]
        if request.role is not Role.AGGREGATED:
            args += ["--disaggregation-mode", str(request.role), "--disaggregation-transfer-backend", "nixl"]
            args += ["--disaggregation-bootstrap-port", str(_BOOTSTRAP_PORT)]
        if request.event_block_tokens is not None or request.cpu_tier_bytes is not None:
            args += ["--page-size", str(request.event_block_tokens or _TIERED_PAGE)]
        if request.cpu_tier_bytes is not None:
            size = request.cpu_tier_bytes // request.tensor_parallelism // _GB
            args += ["--enable-hierarchical-cache", "--hicache-size", str(size)]
            args += ["--hicache-write-policy", "write_through", "--hicache-io-backend", "kernel"]
        field_env = {}
        if request.event_block_tokens is not None:
            args += ["--kv-events-config", _kv_events(request, self.kv_events)]
            field_env[POD_IP] = "status.podIP"
        if request.revision is not None:
            args += ["--revision", request.revision]
        if request.streams:
            args += ["--load-format", "runai_streamer"]
        args += _adapters(request)
        env = dict(environment(WORKAROUNDS))
        if request.role is not Role.AGGREGATED and request.libfabric:
            # NIXL's default is UCX (srt/environ.py); llm-d's overlay for AWS names this one.
            env["SGLANG_DISAGGREGATION_NIXL_BACKEND"] = "LIBFABRIC"
        return EngineContainer(
            command=("python3", "-m", "sglang.launch_server"),
            args=(*args, *request.extra_args),
            probes=ProbePaths(liveness=self.health_path, readiness="/v1/models"),
            env=env,
            field_env=field_env,
            run_as_user=2000,
            cache_variables=("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE"),
        )

    def metrics(self, version: str) -> MetricMap:
        """SGLang's own gauges; LoRA adapters are not told."""
        tells_pages = Version(version) >= _TELLS_PAGES
        return MetricMap(
            path="/metrics",
            queued_requests="sglang:num_queue_reqs",
            running_requests="sglang:num_running_reqs",
            kv_cache_usage="sglang:token_usage",
            cache_block_size="sglang:page_size" if tells_pages else "",
            cache_blocks="sglang:num_pages" if tells_pages else "",
        )


def _kv_events(request: ServingRequest, events: KvEvents) -> str:
    """Without vLLM's `enable_kv_cache_events`, which SGLang's parser refuses."""
    config = {"endpoint": f"tcp://*:{events.port}", "publisher": "zmq", "topic": event_topic(request)}
    return json.dumps(config, separators=(",", ":"))


def _adapters(request: ServingRequest) -> list[str]:
    """All adapters, with slots on the GPU for several; the model itself takes one too (srt/lora/mem_pool.py)."""
    if not request.adapters:
        return []
    paths = [f"{adapter.name}={adapter.path}" for adapter in request.adapters]
    rank = max(adapter.rank for adapter in request.adapters)
    slots = ["--max-loras-per-batch", str(min(len(paths) + 1, LORA_SLOTS)), "--max-lora-rank", str(rank)]
    return ["--enable-lora", *slots, "--lora-paths", *paths]
