"""vLLM, llm-d's default engine.

Flags as vLLM 0.11.2 (in llm-d-cuda v0.4.0), 0.12.0 and 0.26.0 define them; metric names as vllm/v1/metrics/loggers.py
of all three emits them. Gateway API inference extension 1.2 still defaults to `vllm:gpu_cache_usage_perc`, which vLLM
has dropped: the load scorer then reads zeros and says nothing (llm-d#509). So the map is always given.
"""

import json
from types import MappingProxyType

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

__all__ = ["Vllm"]

# Where NIXL's handshake listens, vLLM's own default (vllm/envs.py).
_SIDE_CHANNEL_PORT = 5600

# `kv_role` does not matter to NixlConnector: which role a server has is what the sidecar makes of it
# (docs/features/nixl_connector_usage.md); llm-d's guides say kv_both on either side.
_KV_TRANSFER_CONFIG = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

# NIXL's default backend, UCX, was seen to make no use of EFA's RDMA (nixl#909); llm-d's overlay for AWS names this one
# (guides/pd-disaggregation/modelserver/gpu/vllm/aws).
_OVER_LIBFABRIC = (
    '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_connector_extra_config":{"backends":["LIBFABRIC"]}}'
)

# The first rank of a pod is its number times its copies, which no expansion of Kubernetes' can say: a shell does, and
# hands the arguments on as they are.
_RANKED = 'exec vllm serve "$@" --data-parallel-start-rank'

# Where the copies of a replica find their coordinator, on its leader (llm-d's wide-EP guide).
_RPC_PORT = 5555

# What `--max-lora-rank` may be (MaxLoRARanks in vllm/config/lora.py; the 1 that later versions take is left out).
_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)

_COORDINATOR = "each replica's leader is found by its LeaderWorkerSet"
_NO_PIPELINE = "a pod has GPUs for parallelism.tensor times parallelism.dataLocal, and none for stages"


class Vllm:
    """The adapter of vLLM's OpenAI server."""

    name = "vllm"
    engine_type = "vllm"
    default_port = 8000
    health_path = "/health"
    version_floor = None
    own_flags = MappingProxyType(
        {
            "--model": "source",
            "--revision": "revision",
            "--host": "the engine listens on the pod's address",
            "--uds": "the engine listens on the pod's address",
            "--port": "the engine's port is the pool's",
            "--served-model-name": "servedName",
            "--disable-uvicorn-access-log": "probes and picker would drown everything else in that log",
            "--tensor-parallel-size": "parallelism.tensor",
            "-tp": "parallelism.tensor",
            **dict.fromkeys(("--pipeline-parallel-size", "-pp"), _NO_PIPELINE),
            "--data-parallel-size": "parallelism.data",
            "-dp": "parallelism.data",
            "--data-parallel-size-local": "parallelism.dataLocal",
            "-dpl": "parallelism.dataLocal",
            **dict.fromkeys(("--data-parallel-address", "-dpa", "--data-parallel-rpc-port", "-dpp"), _COORDINATOR),
            **dict.fromkeys(
                ("--data-parallel-start-rank", "-dpr", "--data-parallel-rank", "-dpn"),
                "each pod's rank follows from its number",
            ),
            **dict.fromkeys(
                (
                    *("--data-parallel-hybrid-lb", "-dph", "--data-parallel-external-lb", "-dpe"),
                    *("--data-parallel-multi-port-external-lb", "-dpm", "--headless"),
                ),
                "each pod answers for its own copies, on the pool's port",
            ),
            **dict.fromkeys(("--nnodes", "-n", "--node-rank", "-r"), "parallelism.workers"),
            "--enable-expert-parallel": "parallelism.expert",
            "-ep": "parallelism.expert",
            "--root-path": PLAIN_PATHS,
            "--api-key": NO_KEY,
            "--hf-token": "the token is in the Secret of huggingFace",
            **dict.fromkeys(("--ssl-keyfile", "--ssl-certfile", "--ssl-ca-certs"), PLAIN_HTTP),
        }
    )
    streaming_flags = frozenset({"--load-format"})
    model_commands = ("vllmServe", "imageDefault")
    features = frozenset({Feature.REVISION, Feature.OBJECT_STORAGE, Feature.PREFETCH, Feature.LIBFABRIC})
    no_data_parallelism = None
    kv_transfer = KvTransfer(
        protocol=KvProtocol.NIXL,
        port_name="nixl",
        port=_SIDE_CHANNEL_PORT,
        owned_flags=frozenset({"--kv-transfer-config"}),
        # docs/features/nixl_connector_compatibility.md, "What must match between P and D". Block sizes may differ only
        # where prefill's is the smaller and the model is no hybrid: alike is what always works.
        agreed_flags=frozenset({"--block-size", "--dtype", "--kv-cache-dtype", "--speculative-config"}),
    )

    kv_events = KvEvents(
        owned_flags=MappingProxyType(
            {
                "--block-size": "picker and engine count in the same blocks",
                "--enable-prefix-caching": "it is on by default, and without it there is nothing to route by",
                "--kv-events-config": "the picker subscribes to them",
            }
        )
    )
    lora = LoraServing(
        form="{adapter}", owned_flags=frozenset({"--enable-lora", "--lora-modules", "--max-lora-rank", "--max-loras"})
    )

    cpu_tier = CpuTier(
        owned_flags=MappingProxyType(
            {
                "--enable-prefix-caching": "it is on by default, and without it there is nothing to keep",
                **dict.fromkeys(
                    ("--kv-transfer-config", "--kv-offloading-size", "--kv-offloading-backend"),
                    "the size is tieredPrefixCache.cpuMemory",
                ),
            }
        )
    )

    def container(self, request: ServingRequest) -> EngineContainer:
        """`vllm serve MODEL ...`, or the image's entry point with `--model MODEL ...`."""
        serve = request.model_command == "vllmServe"
        args = [request.model] if serve else ["--model", request.model]
        args += ["--port", str(request.port), "--served-model-name", request.served_name]
        if request.tensor_parallelism > 1:
            args += ["--tensor-parallel-size", str(request.tensor_parallelism)]
        if request.revision is not None:
            # The tokenizer's revision follows it (vllm/config/model.py).
            args += ["--revision", request.revision]
        if request.streams:
            args += ["--load-format", "runai_streamer"]
        command: tuple[str, ...] = ("vllm", "serve") if serve else ()
        args += [*_copies(request), *_adapters(request)]
        if request.pods_per_replica > 1:
            command = ("sh", "-c", f"{_RANKED} $((LWS_WORKER_INDEX * {request.copies_per_pod}))", "vllm-serve")
        # Probes and the picker ask several times a second: their access log drowns everything else.
        args.append("--disable-uvicorn-access-log")
        env, field_env = {"VLLM_NO_USAGE_STATS": "1"}, {}
        if request.event_block_tokens is not None:
            args += ["--block-size", str(request.event_block_tokens)]
            args += ["--kv-events-config", _kv_events(request, self.kv_events)]
            field_env[POD_IP] = "status.podIP"
        if request.cpu_tier_bytes is not None:
            args += ["--kv-transfer-config", _offloading(request.cpu_tier_bytes)]
        if request.role is not Role.AGGREGATED:
            args += ["--kv-transfer-config", _OVER_LIBFABRIC if request.libfabric else _KV_TRANSFER_CONFIG]
            env["VLLM_NIXL_SIDE_CHANNEL_PORT"] = str(_SIDE_CHANNEL_PORT)
            # By default it is localhost, which prefill would tell decode to fetch the blocks from.
            field_env["VLLM_NIXL_SIDE_CHANNEL_HOST"] = "status.podIP"
        if request.role is Role.PREFILL:
            # The sidecar keeps idle connections for 90 s, vLLM closes them after 5 s: a request that is sent into the
            # gap is lost (llm-d's pd-disaggregation guide of 0.8 sets it).
            env["VLLM_HTTP_TIMEOUT_KEEP_ALIVE"] = "120"
        return EngineContainer(
            command=command,
            args=(*args, *request.extra_args),
            probes=ProbePaths(liveness=self.health_path, readiness="/v1/models"),
            env=env,
            field_env=field_env,
            run_as_user=2000,
            cache_variables=(
                "VLLM_CACHE_ROOT",
                "TRITON_CACHE_DIR",
                "TORCHINDUCTOR_CACHE_DIR",
                "FLASHINFER_WORKSPACE_BASE",
            ),
        )

    def metrics(self, version: str) -> MetricMap:  # noqa: ARG002 - the contract's; no name has changed so far
        """VLLM's own gauges."""
        return MetricMap(
            path="/metrics",
            queued_requests="vllm:num_requests_waiting",
            running_requests="vllm:num_requests_running",
            kv_cache_usage="vllm:kv_cache_usage_perc",
            lora_info="vllm:lora_requests_info",
            cache_info="vllm:cache_config_info",
        )


def _kv_events(request: ServingRequest, events: KvEvents) -> str:
    config = {
        "enable_kv_cache_events": True,
        "endpoint": f"tcp://*:{events.port}",
        "publisher": "zmq",
        "topic": event_topic(request),
    }
    return json.dumps(config, separators=(",", ":"))


def _adapters(request: ServingRequest) -> list[str]:
    """All adapters, with slots on the GPU for several: by default there is one, for which two adapters take turns."""
    if not request.adapters:
        return []
    highest = max(adapter.rank for adapter in request.adapters)
    rank = next(rank for rank in _LORA_RANKS if rank >= highest)
    modules = [f"{adapter.name}={adapter.path}" for adapter in request.adapters]
    slots = ["--max-loras", str(min(len(modules), LORA_SLOTS)), "--max-lora-rank", str(rank)]
    return ["--enable-lora", *slots, "--lora-modules", *modules]


def _offloading(size_bytes: int) -> str:
    """The connector divides what it is given among the ranks (vllm/v1/kv_offload: bytes of a block x world_size)."""
    config = {
        "kv_connector": "OffloadingConnector",
        "kv_connector_extra_config": {"cpu_bytes_to_use": size_bytes},
        "kv_role": "kv_both",
    }
    return json.dumps(config, separators=(",", ":"))


def _copies(request: ServingRequest) -> list[str]:
    """Several copies as one server; over several pods each pod answers for its own (the hybrid load balancer)."""
    args = []
    if request.copies > 1:
        args += ["--data-parallel-size", str(request.copies), "--data-parallel-size-local", str(request.copies_per_pod)]
    if request.pods_per_replica > 1:
        args += ["--data-parallel-address", "$(LWS_LEADER_ADDRESS)", "--data-parallel-rpc-port", str(_RPC_PORT)]
        args.append("--data-parallel-hybrid-lb")
    if request.expert_parallelism:
        args.append("--enable-expert-parallel")
    return args
