"""Release line v0.4 (llm-d 0.4.0, 2025-11-26; its helm charts: modelservice v0.3.8, infra v1.3.4).

Pins of upstream's guides where they float or lag are named with the source that was taken instead.
"""

from types import MappingProxyType

from releases.base import (
    BodyRouterDialect,
    CrdBundle,
    CrdFile,
    DisaggregationDialect,
    DisaggregationPins,
    EnginePins,
    ImagePin,
    LabelKeys,
    PickerDialect,
    Plugin,
    Release,
    SidecarDialect,
    TensorPairs,
)

__all__ = ["V0_4"]

_CHART = "inferencepool chart v1.2.0 (gateway-api-inference-extension), the library that llm-d 0.4's picker is built on"

_NO_EFA = "llm-d has images for EFA from 0.5.1 on (llm-d#522, llm-d#741); line v0.9 names one"

_GATEWAY_API = CrdBundle(
    name="gateway-api",
    repository="kubernetes-sigs/gateway-api",
    go_module="sigs.k8s.io/gateway-api",
    version="v1.3.0",  # guides/prereq/gateway-provider/install-gateway-provider-dependencies.sh of llm-d 0.4
    files=tuple(
        CrdFile(path=f"config/crd/standard/gateway.networking.k8s.io_{plural}.yaml", sha256=sha256)
        for plural, sha256 in (
            ("gatewayclasses", "7c8ee2c1878d9dcc6ba106181e3d14d7eaa520ec070233d62f3aa0d674d19450"),
            ("gateways", "c949e7c3951227b92a582817a7a660558ce0fb94c081da264b4e2bbe4a1e5387"),
            ("grpcroutes", "5867279c3cfd77377fe7e9255b22751f17592242b9b5e7485c74b13b268d13c5"),
            ("httproutes", "a4ecf600c7e0bfd3cdb24e6411938d9b330117a26675f303cc6d9a407cb257d1"),
            ("referencegrants", "7587b2e7e5b1b9a26717b3ef8142f64e6600637eadf481a6bd0031740644b495"),
        )
    ),
)

# The guides pin v1.2.0-rc.1; the CRDs of v1.2.0 differ from it in the version annotation alone. The old x-k8s
# InferencePool is not installed: nothing of ours uses it, and two pool groups side by side cost upstream a year of
# reports (kserve#5751, gateway-api-inference-extension#1530).
_INFERENCE_EXTENSION = CrdBundle(
    name="gateway-api-inference-extension",
    repository="kubernetes-sigs/gateway-api-inference-extension",
    go_module="sigs.k8s.io/gateway-api-inference-extension",
    version="v1.2.0",
    files=(
        CrdFile(
            path="config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
            sha256="87d5eb89eabd776a1936b0df8e6c144e086d743374bd91c6b865cfb28dbd6b60",
        ),
        CrdFile(
            path="config/crd/bases/inference.networking.x-k8s.io_inferencemodelrewrites.yaml",
            sha256="b2b41b5b4ce210e65dc17e6fc5c5499a31594ded1ce81e4764c7d5dc5e1b0d6a",
        ),
        CrdFile(
            path="config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
            sha256="499f80fe3b7d9a8be54e454f1d9e7defb90adbf679167039e7f6df611f3c97f5",
        ),
    ),
)

# guides/pd-disaggregation/gaie-pd/values.yaml: every request is disaggregated (threshold 0), and both roles are picked
# by queue alone. Left out: the guide's hashBlockSize, which is read for a threshold above 0 only, and its prefix
# parameters, which stand on a scorer that has none.
_DISAGGREGATION = DisaggregationDialect(
    plugins=(
        Plugin(type="prefill-header-handler"),
        Plugin(type="prefill-filter"),
        Plugin(type="decode-filter"),
        Plugin(type="queue-scorer"),
        Plugin(type="pd-profile-handler", parameters=MappingProxyType({"threshold": 0})),
    ),
    prefill=(("prefill-filter", None), ("queue-scorer", 1)),
    decode=(("decode-filter", None), ("queue-scorer", 1)),
)

# Plain HTTP in front, as every model server speaks it: with the default the sidecar would make up a certificate that
# nobody can verify. Its own SSRF protection watches pools of the group inference.networking.x-k8s.io (allowlist.go),
# which this program does not create; the NetworkPolicy and the picker, which overwrites the header, stand in for it.
_SIDECAR = SidecarDialect(
    port_flag="port",
    engine_port_flag="vllm-port",
    connector_flag="connector",
    connectors=MappingProxyType({"nixl": "nixlv2", "sglang": "sglang"}),
    args=("--secure-proxy=false", "--zap-encoder=json"),
    engine_port=8200,
    source="cmd/pd-sidecar/main.go of llm-d-inference-scheduler v0.4.0; guides/pd-disaggregation/ms-pd/values.yaml",
)

V0_4 = Release(
    name="v0.4",
    pool_api_version="inference.networking.k8s.io/v1",
    labels=LabelKeys(inference_serving="llm-d.ai/inferenceServing", engine_type=None),
    picker=PickerDialect(
        config_api_version="inference.networking.x-k8s.io/v1alpha1",
        objectives_api_group="inference.networking.x-k8s.io",
        watched_api_groups=("inference.networking.x-k8s.io",),
        watched_resources=("inferenceobjectives",),
        # Neither a metrics source nor an extractor plugin nor an engine label exists in this line.
        metric_flags=MappingProxyType(
            {
                "queued_requests": "total-queued-requests-metric",
                "kv_cache_usage": "kv-cache-usage-percentage-metric",
                "lora_info": "lora-info-metric",
                "cache_info": "cache-info-metric",
            }
        ),
        metrics_path_flag="model-server-metrics-path",
        # guides/inference-scheduling/gaie-inference-scheduling: the chart's default-plugins.yaml
        scorers=(("queue-scorer", 2), ("kv-cache-utilization-scorer", 2), ("prefix-cache-scorer", 3)),
        prefix_plugin="prefix-cache-scorer",
        # In characters: 16 tokens of about 4.
        untuned_prefix=MappingProxyType({"autoTune": False, "blockSize": 64}),
        # No guide of the line's weighs it: as much as a load scorer, for an adapter that is not there has to be loaded.
        lora_scorer=("lora-affinity-scorer", 2),
        disaggregation=_DISAGGREGATION,
        tiered_prefix="its vLLM takes the tier as a number of blocks (num_cpu_blocks), whose size in bytes only the"
        " running engine knows, and its guide has no SGLang",
        precise_prefix="its picker downloads tokenizers into its own process, and recomputes vLLM's block hashes, whose"
        " seed and algorithm every server has to be given alike",
        # pkg/epp/metrics/metrics.go of the inference extension v1.2.0. It has flow control too, but what it holds is
        # told for all pools together.
        pool_metrics=MappingProxyType(
            {
                "queue-size": "inference_pool_average_queue_size",
                "kv-cache-utilization": "inference_pool_average_kv_cache_utilization",
            }
        ),
    ),
    sidecar=_SIDECAR,
    body_router=BodyRouterDialect(
        args=("--streaming", "--v", "3"),  # config/charts/body-based-routing of v1.2.0
        header="X-Gateway-Model-Name",  # pkg/bbr/handlers/request.go
        reads_config_maps=False,
    ),
    refused_gateways=MappingProxyType(
        dict.fromkeys(
            ("agentgateway", "envoy-ai-gateway"),
            "llm-d 0.4 has environments for istio, kgateway and gke (guides/inference-scheduling); line v0.9 has it",
        )
    ),
    images=MappingProxyType(
        {
            "body-router": ImagePin(
                reference="registry.k8s.io/gateway-api-inference-extension/bbr:v1.2.0",
                source="config/charts/body-based-routing of gateway-api-inference-extension v1.2.0",
            ),
            "picker": ImagePin(
                reference="ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0",
                source="guides/inference-scheduling/standalone-inference-scheduling/values.yaml; the guides of the"
                " 0.4.0 tag still name its release candidate v0.4.0-rc.1",
            ),
            "sidecar": ImagePin(
                reference="ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
                source="guides/pd-disaggregation/ms-pd/values.yaml of llm-d 0.4",
            ),
            "envoy": ImagePin(
                reference="docker.io/envoyproxy/envoy:distroless-v1.33.2",
                source="guides/inference-scheduling/standalone-inference-scheduling/values.yaml",
            ),
            "device-plugin": ImagePin(
                reference="nvcr.io/nvidia/k8s-device-plugin:v0.20.0",
                source="nvidia-device-plugin chart 0.20.0",
            ),
            "efa-device-plugin": ImagePin(
                reference="602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20",
                source="aws-efa-k8s-device-plugin chart v0.5.30 (aws/eks-charts at 5239609)",
            ),
        }
    ),
    engines=MappingProxyType(
        {
            "vllm": EnginePins(
                images=MappingProxyType(
                    {
                        "llm-d-cuda": ImagePin(
                            reference="ghcr.io/llm-d/llm-d-cuda:v0.4.0",
                            source="llm-d 0.4.0 release notes; vLLM 0.11.2 with llm-d's patches",
                            engine_version="0.11.2",
                            lacks=MappingProxyType(
                                {
                                    "object-storage": "llm-d's docker/scripts/cuda/runtime/install-vllm.sh installs"
                                    " vLLM without its extra `runai`",
                                    "libfabric": _NO_EFA,
                                }
                            ),
                        ),
                        "vllm-openai": ImagePin(
                            reference="docker.io/vllm/vllm-openai:v0.12.0",
                            source="vLLM 0.12.0, the upstream image of the line's time",
                            engine_version="0.12.0",
                            lacks=MappingProxyType({"libfabric": _NO_EFA}),
                        ),
                    }
                ),
                default="llm-d-cuda",
                model_command="vllmServe",
                disaggregation=DisaggregationPins(
                    tensor=TensorPairs.DECODE_MULTIPLE,
                    why="vLLM 0.11 and 0.12 stop at 'Decode TP cannot be smaller than prefill TP', and divide one by"
                    " the other (nixl_connector.py; llm-d#394)",
                    args=("--block-size", "128"),
                ),
            ),
            "sglang": EnginePins(
                images=MappingProxyType(
                    {
                        "sglang-runtime": ImagePin(
                            reference="docker.io/lmsysorg/sglang:v0.5.6.post2-runtime",
                            source="llm-d PR 527, which ran it through modelCommand custom",
                            engine_version="0.5.6.post2",
                            lacks=MappingProxyType(
                                {
                                    "object-storage": "SGLang 0.5.6.post2 has no runai_streamer, and what its loader"
                                    " `remote` needs for S3, boto3, is none of its requirements",
                                    "libfabric": _NO_EFA,
                                }
                            ),
                        ),
                    }
                ),
                default="sglang-runtime",
                model_command="custom",
                disaggregation=DisaggregationPins(
                    tensor=TensorPairs.EQUAL,
                    why="with others SGLang breaks on models with sliding windows, and the sidecar swallows prefill's"
                    " error, so that clients wait for ever (llm-d#2433, llm-d#2442)",
                ),
            ),
        }
    ),
    refused_engines=MappingProxyType({"tensorrt-llm": f"llm-d 0.4 has no support for it ({_CHART}); line v0.9 does"}),
    crd_bundles=(_GATEWAY_API, _INFERENCE_EXTENSION),
)
