"""vLLM, llm-d's default engine.

Flags as vLLM 0.11.2 (in llm-d-cuda v0.4.0), 0.12.0 and 0.26.0 define them; metric names as vllm/v1/metrics/loggers.py
of all three emits them. Gateway API inference extension 1.2 still defaults to `vllm:gpu_cache_usage_perc`, which vLLM
has dropped: the load scorer then reads zeros and says nothing (llm-d#509). So the map is always given.
"""

from engines.base import EngineContainer, MetricMap, ProbePaths, ServingRequest

__all__ = ["Vllm"]


class Vllm:
    """The adapter of vLLM's OpenAI server."""

    name = "vllm"
    engine_type = "vllm"
    default_port = 8000
    version_floor = None
    model_commands = ("vllmServe", "imageDefault")

    def container(self, request: ServingRequest) -> EngineContainer:
        """`vllm serve MODEL ...`, or the image's entry point with `--model MODEL ...`."""
        serve = request.model_command == "vllmServe"
        args = [request.model] if serve else ["--model", request.model]
        args += ["--port", str(request.port), "--served-model-name", request.served_name]
        if request.tensor_parallelism > 1:
            args += ["--tensor-parallel-size", str(request.tensor_parallelism)]
        # Probes and the picker ask several times a second: their access log drowns everything else.
        args.append("--disable-uvicorn-access-log")
        return EngineContainer(
            command=("vllm", "serve") if serve else (),
            args=(*args, *request.extra_args),
            probes=ProbePaths(liveness="/health", readiness="/v1/models"),
            env={"VLLM_NO_USAGE_STATS": "1"},
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
