"""TensorRT-LLM, served by `trtllm-serve` with its PyTorch backend.

Flags as tensorrt_llm/commands/serve.py defines them; what llm-d itself runs is guides/optimized-baseline/modelserver/
gpu/trtllm. Older than 1.3.0rc12 it does not emit the gauges that a picker needs (NVIDIA/TensorRT-LLM#12545).

Plain `/metrics` is JSON that no picker can parse; the Prometheus text is below `/prometheus`. llm-d supports it
aggregated and with the approximate prefix index only: no prefill/decode, no KV events, no LoRA.
"""

from types import MappingProxyType

from engines.base import (
    FILES_FOLDER,
    EngineContainer,
    Feature,
    MetricMap,
    NoCpuTier,
    NoKvEvents,
    NoKvTransfer,
    NoLora,
    ProbePaths,
    ServingRequest,
    VersionFloor,
)
from engines.workarounds import Workaround, environment

__all__ = ["WORKAROUNDS", "TensorRtLlm"]

_OPTIONS_FILE = "llm-api-options.yaml"

# Without either there are no gauges: requests are not measured, and iterations are not counted.
_OPTIONS = """\
enable_iter_perf_stats: true
return_perf_metrics: true
"""

WORKAROUNDS = (
    Workaround(
        since="1.3.0rc27",
        thread="NVIDIA/TensorRT-LLM#19607",
        why="Open MPI 5 builds an id of 50 bytes at most from the host's name: under a pod's long name no port opens",
        env={"PMIX_HOSTNAME": "trtllm-node"},
    ),
    Workaround(
        since="1.3.0rc18",
        thread="llm-d#1866",
        why="a command of our own skips the image's entry point, which tells the linker where TensorRT and CUDA are",
        env={"LD_LIBRARY_PATH": "/usr/local/tensorrt/lib:/usr/local/cuda/lib64:/usr/local/nvidia/lib64"},
    ),
)


class TensorRtLlm:
    """The adapter of `trtllm-serve`."""

    name = "tensorrt-llm"
    engine_type = "trtllm-serve"
    default_port = 8000
    health_path = "/health"
    model_commands = ("custom",)
    features = frozenset({Feature.REVISION, Feature.PREFETCH})
    no_data_parallelism = "llm-d runs it on one node, by tensor parallelism"
    kv_transfer = NoKvTransfer(
        reason="llm-d runs it aggregated only, and its routing sidecar speaks no protocol of trtllm-serve's"
    )
    kv_events = NoKvEvents(reason="llm-d's picker reads the events of vLLM and SGLang")
    lora = NoLora(reason="llm-d routes to no adapter of trtllm-serve's: it tells no metric of those that are loaded")
    cpu_tier = NoCpuTier(reason="llm-d has no guide for it (its tiered caches are vLLM's and SGLang's)")
    own_flags = MappingProxyType(
        {
            "--revision": "revision",
            "--served_model_name": "servedName",
            "--host": "the engine listens on the pod's address",
            "--port": "the engine's port is the pool's",
            "--backend": "only the PyTorch backend has the picker's metrics",
            "--extra_llm_api_options": "the options file is this program's",
            "--config": "the options file is this program's",
            "--tensor_parallel_size": "parallelism.tensor",
            "--tp_size": "parallelism.tensor",
            "--pipeline_parallel_size": "a pod has GPUs for parallelism.tensor",
            "--pp_size": "a pod has GPUs for parallelism.tensor",
        }
    )
    streaming_flags: frozenset[str] = frozenset()
    version_floor = VersionFloor(
        version="1.3.0rc12",
        why="before it trtllm-serve does not emit the metrics that the picker scores by (NVIDIA/TensorRT-LLM#12545)",
    )

    def container(self, request: ServingRequest) -> EngineContainer:
        """`trtllm-serve serve MODEL ...`, with the options that have no flag in a file."""
        # It listens on localhost by default: neither the probes nor the gateway would reach it.
        args = [request.model, "--host", "0.0.0.0", "--port", str(request.port)]  # noqa: S104 - the pod's own address
        # Since NVIDIA/TensorRT-LLM#11711; without it a model in a folder is served under the folder's name.
        args += ["--served_model_name", request.served_name]
        args += ["--backend", "pytorch", "--extra_llm_api_options", f"{FILES_FOLDER}/{_OPTIONS_FILE}"]
        if request.tensor_parallelism > 1:
            args += ["--tp_size", str(request.tensor_parallelism)]
        if request.revision is not None:
            args += ["--revision", request.revision]
        return EngineContainer(
            command=("trtllm-serve", "serve"),
            args=(*args, *request.extra_args),
            probes=ProbePaths(liveness=self.health_path, readiness="/v1/models"),
            env=environment(WORKAROUNDS),
            files={_OPTIONS_FILE: _OPTIONS},
            run_as_user=2000,
            cache_variables=("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE"),
        )

    def metrics(self, version: str) -> MetricMap:  # noqa: ARG002 - the contract's; no name has changed so far
        """TensorRT-LLM's own gauges; LoRA adapters are not told."""
        return MetricMap(
            path="/prometheus/metrics",
            queued_requests="trtllm_num_requests_waiting",
            running_requests="trtllm_num_requests_running",
            kv_cache_usage="trtllm_kv_cache_utilization",
            cache_block_size="trtllm_kv_cache_tokens_per_block",
            cache_blocks="trtllm_kv_cache_max_blocks",
        )
