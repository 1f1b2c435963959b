"""SGLang.

Flags as sglang 0.5.6.post2 defines them in srt/server_args.py, metric names as srt/metrics/collector.py emits them.
That version has no `sglang:cache_config_info`, which later pickers look for: the picker is told that there is none,
and takes its configured block size.
"""

from engines.base import EngineContainer, MetricMap, ProbePaths, ServingRequest

__all__ = ["Sglang"]


class Sglang:
    """The adapter of SGLang's server."""

    name = "sglang"
    default_port = 8000
    model_commands = ("custom",)

    def container(self, request: ServingRequest) -> EngineContainer:
        """`python3 -m sglang.launch_server --model-path MODEL ...`."""
        args = ["--model-path", request.model, "--served-model-name", request.served_name]
        # SGLang listens on 127.0.0.1:30000 by default: neither the probes nor the gateway would reach it.
        args += ["--host", "0.0.0.0", "--port", str(request.port)]  # noqa: S104 - the pod's own address
        # Off by default, and without it the picker's load scorers are blind.
        args.append("--enable-metrics")
        if request.tensor_parallelism > 1:
            args += ["--tensor-parallel-size", str(request.tensor_parallelism)]
        return EngineContainer(
            command=("python3", "-m", "sglang.launch_server"),
            args=(*args, *request.extra_args),
            probes=ProbePaths(liveness="/health", readiness="/v1/models"),
            # Otherwise /health generates a token (srt/entrypoints/http_server.py), which waits behind a full queue,
            # and a busy server would be restarted.
            env={"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"},
            run_as_user=2000,
            cache_variables=("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE"),
        )

    def metrics(self) -> MetricMap:
        """SGLang's own gauges; LoRA and cache information are not told."""
        return MetricMap(
            path="/metrics",
            queued_requests="sglang:num_queue_reqs",
            kv_cache_usage="sglang:token_usage",
        )
