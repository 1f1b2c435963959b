"""Release line v0.9 (llm-d 0.9.0, 2026-08; llm-d-router v0.10.0, which has the picker and the sidecar).

Versions as in the component table of llm-d's release v0.9.0, which names router, vLLM and the inference extension; the
other engines' come from the guides' own image components, named with each pin.
"""

from types import MappingProxyType

from releases.base import (
    Blank,
    BodyRouterDialect,
    CrdBundle,
    CrdFile,
    DisaggregationDialect,
    DisaggregationPins,
    EnginePins,
    FlowControlDialect,
    ImagePin,
    LabelKeys,
    PickerDialect,
    Plugin,
    PrecisePrefixDialect,
    Release,
    SidecarDialect,
    TensorPairs,
    TieredPrefixDialect,
)

__all__ = ["V0_9"]

_COMPONENTS = "component table of the llm-d v0.9.0 release"

_NO_EFA = "llm-d's guides run another image there, and of this one it is not known that it holds libfabric for EFA"

# Version from the guides' prerequisites. The bundle's ValidatingAdmissionPolicy against downgrades is left out: it
# would forbid a stack to go back to its own earlier line.
_GATEWAY_API = CrdBundle(
    name="gateway-api",
    repository="kubernetes-sigs/gateway-api",
    go_module="sigs.k8s.io/gateway-api",
    version="v1.5.1",
    files=tuple(
        CrdFile(path=f"config/crd/standard/gateway.networking.k8s.io_{plural}.yaml", sha256=sha256)
        for plural, sha256 in (
            ("backendtlspolicies", "9b8818172153d72f9c84032db0be0a4a657277d13f5bbc22226ad9481ff57971"),
            ("gatewayclasses", "234ad4b2757ee1b3596a4187bb98df071c5bbdd9e1806f692f2dbf8387e6bef4"),
            ("gateways", "7416e8300eb4d8c0a71a23445609075bbacbe8bc80104584b019cfe1ebe77c31"),
            ("grpcroutes", "979f4125d44d3df24659ba00d1d04ff8e76c45423193e8aae82dd5810d7827df"),
            ("httproutes", "682203b109baecb18d38073a578f7bc2c17d22fe9b0c27bf030850abe014c370"),
            ("listenersets", "9221468d19fdfbb0026113b1ef64abac64f27607975aff2410361b8b38f0e0bb"),
            ("referencegrants", "a8902c486eed0b7339f5bb8a476ccaba0918eb038048402bdc01cbb69b0fbb51"),
            ("tlsroutes", "818e4827c469a40e2527a2851591e656782c50fea8dd44812c900d219da09345"),
        )
    ),
)

# Only the pool: with objectives of both API groups in a cluster the picker ignores those of the old one
# (llm-d#1640, pkg/epp/server/controller_config.go).
_INFERENCE_EXTENSION = CrdBundle(
    name="gateway-api-inference-extension",
    repository="kubernetes-sigs/gateway-api-inference-extension",
    go_module="sigs.k8s.io/gateway-api-inference-extension",
    version="v1.5.0",
    files=(
        CrdFile(
            path="config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
            sha256="0bc3ddd94db6f588a5cecc627c39e3d12b4343d51c48d47ffa68c50fa73c290c",
        ),
    ),
)

_ROUTER = CrdBundle(
    name="llm-d-router",
    repository="llm-d/llm-d-router",
    go_module=None,
    version="v0.10.0",
    files=(
        CrdFile(
            path="config/crd/bases/llm-d.ai_inferencemodelrewrites.yaml",
            sha256="62a07fff40e10e919c245d895457a9c15be22947b45f06815552ae8fffaab405",
        ),
        CrdFile(
            path="config/crd/bases/llm-d.ai_inferenceobjectives.yaml",
            sha256="c1e763412fcbe2b55e9282850156269a10053be2d052547cb80a2ca639c09990",
        ),
    ),
)

# guides/pd-disaggregation as released with v0.8, for any engine; its newer variant weighs tokens by a throughput that
# has to be measured per model and GPU. The handler sets the headers itself (disagg-headers-handler is deprecated), and
# names its decider, which has to stand before it.
_DISAGGREGATION = DisaggregationDialect(
    plugins=(
        Plugin(type="always-disagg-pd-decider"),
        Plugin(
            type="disagg-profile-handler",
            parameters=MappingProxyType({"deciders": {"prefill": "always-disagg-pd-decider"}}),
        ),
        Plugin(type="prefill-filter"),
        Plugin(type="decode-filter"),
        Plugin(type="prefix-cache-scorer"),
        Plugin(type="queue-scorer"),
        Plugin(type="kv-cache-utilization-scorer"),
        Plugin(type="active-request-scorer"),
        Plugin(type="max-score-picker"),
    ),
    prefill=(
        ("prefill-filter", None),
        ("prefix-cache-scorer", 3),
        ("queue-scorer", 2),
        ("kv-cache-utilization-scorer", 2),
        ("max-score-picker", None),
    ),
    decode=(
        ("decode-filter", None),
        ("active-request-scorer", 2),
        ("prefix-cache-scorer", 3),
        ("max-score-picker", None),
    ),
)

# guides/precise-prefix-cache-routing as released with v0.8, for vLLM and SGLang; its newer variant weighs tokens by a
# measured throughput, as the baseline's does. Prompts are tokenized by render servers, never by the picker: its
# fallback, four bytes a token, finds no block that an engine has. Block keys are the picker's own (README of the
# producer, "Engine compatibility"), so engines need neither a seed nor an algorithm to hash by. Subscribers come and go
# with the pool's pods.
_PRECISE_PREFIX = PrecisePrefixDialect(
    plugins=(
        Plugin(
            type="token-producer",
            parameters=MappingProxyType({"modelName": Blank.SERVED_NAME, "vllm": {"url": Blank.RENDER_URL}}),
        ),
        Plugin(type="endpoint-notification-source"),
        Plugin(
            type="precise-prefix-cache-producer",
            parameters=MappingProxyType(
                {
                    "tokenProcessorConfig": {"blockSizeTokens": Blank.BLOCK_TOKENS},
                    "speculativeIndexing": True,
                    "indexerConfig": {"kvBlockIndexConfig": {"enableMetrics": True}},
                    "kvEventsConfig": {
                        "engineType": Blank.ENGINE_TYPE,
                        "topicFilter": "kv@",
                        "concurrency": 8,
                        "discoverPods": True,
                        "podDiscoveryConfig": {"socketPort": Blank.EVENTS_PORT},
                    },
                }
            ),
        ),
        # Left to themselves both read the approximate producer, which the picker would start for them.
        *(
            Plugin(
                type=scorer,
                parameters=MappingProxyType({"prefixMatchInfoProducerName": "precise-prefix-cache-producer"}),
            )
            for scorer in ("prefix-cache-scorer", "no-hit-lru-scorer")
        ),
    ),
    scorers=(
        ("prefix-cache-scorer", 3),
        ("kv-cache-utilization-scorer", 2),
        ("queue-scorer", 2),
        ("no-hit-lru-scorer", 2),
    ),
    sources=(("endpoint-notification-source", "precise-prefix-cache-producer"),),
)

# guides/tiered-prefix-cache: one index for what GPUs hold, which tunes itself, and one for the CPU tier, of which no
# engine tells the size. The guide's own capacity (41,000 blocks for 100 GB of Qwen3-32B) counts blocks of 16 tokens;
# this picker takes none below 64 (llm-d-router#1158).
_TIERED_PREFIX = TieredPrefixDialect(
    plugins=(
        Plugin(type="approx-prefix-cache-producer", name="gpu-prefix-cache-producer"),
        Plugin(
            type="approx-prefix-cache-producer",
            name="cpu-prefix-cache-producer",
            parameters=MappingProxyType(
                {
                    "autoTune": False,
                    "blockSizeTokens": Blank.BLOCK_TOKENS,
                    "lruCapacityPerServer": Blank.CPU_BLOCKS,
                }
            ),
        ),
        *(
            Plugin(
                type="prefix-cache-scorer",
                name=f"{tier}-prefix-cache-scorer",
                parameters=MappingProxyType({"prefixMatchInfoProducerName": f"{tier}-prefix-cache-producer"}),
            )
            for tier in ("gpu", "cpu")
        ),
        # A request is cold where neither tier has its beginning; the CPU's holds what the GPUs' does, and more.
        Plugin(
            type="no-hit-lru-scorer",
            parameters=MappingProxyType({"prefixMatchInfoProducerName": "cpu-prefix-cache-producer"}),
        ),
    ),
    scorers=(
        ("queue-scorer", 2),
        ("kv-cache-utilization-scorer", 2),
        ("gpu-prefix-cache-scorer", 1),
        ("cpu-prefix-cache-scorer", 1),
        ("no-hit-lru-scorer", 2),
    ),
    block_tokens=64,
)

# Plain HTTP in front, as in the guides' base (guides/recipes/modelserver/base/single-host/pd). The flag is still named
# secure-proxy in this version. Its SSRF protection would need the API token that model servers do not have; the
# NetworkPolicy and the picker, which overwrites the header, stand in for it.
_SIDECAR = SidecarDialect(
    port_flag="port",
    engine_port_flag="model-server-port",
    connector_flag="kv-connector",
    connectors=MappingProxyType({"nixl": "nixlv2", "sglang": "sglang"}),
    args=("--secure-proxy=false", "--zap-encoder=json"),
    engine_port=8200,
    source="pkg/sidecar/proxy/options.go of llm-d-router v0.10.0",
)

V0_9 = Release(
    name="v0.9",
    pool_api_version="inference.networking.k8s.io/v1",
    labels=LabelKeys(inference_serving="llm-d.ai/inference-serving", engine_type="llm-d.ai/engine-type"),
    picker=PickerDialect(
        config_api_version="llm-d.ai/v1alpha1",
        objectives_api_group="llm-d.ai",
        # As the llm-d-router-gateway chart v0.10.0: on a cluster with the old group's CRDs alone it watches those.
        watched_api_groups=("inference.networking.x-k8s.io", "llm-d.ai"),
        watched_resources=("inferencemodelrewrites", "inferenceobjectives"),
        # This picker refuses to start with one of the metric flags of old (pkg/epp/server/options.go).
        metrics_source_plugin="metrics-data-source",
        metrics_extractor_plugin="core-metrics-extractor",
        # pkg/epp/framework/plugins/datalayer/extractor/metrics/factories.go; unknown keys are refused.
        metric_parameters=MappingProxyType(
            {
                "queued_requests": "queuedRequestsSpec",
                "running_requests": "runningRequestsSpec",
                "kv_cache_usage": "kvUsageSpec",
                "lora_info": "loraSpec",
                "cache_info": "cacheInfoSpec",
                "cache_block_size": "cacheBlockSizeSpec",
                "cache_blocks": "cacheNumBlocksSpec",
            }
        ),
        # guides/optimized-baseline as released with v0.8, and in its TensorRT-LLM variant since. Its newer variant for
        # vLLM weighs tokens by a throughput that has to be measured per model and GPU (peakPrefillThroughput 15928 is
        # Qwen3-32B's on two H100): no default for any model on any engine.
        scorers=(
            ("queue-scorer", 2),
            ("kv-cache-utilization-scorer", 2),
            ("prefix-cache-scorer", 3),
            ("no-hit-lru-scorer", 2),
        ),
        prefix_plugin="approx-prefix-cache-producer",
        # 64 tokens are the least that this picker takes (llm-d-router#1158).
        untuned_prefix=MappingProxyType({"autoTune": False, "blockSizeTokens": 64}),
        # No guide of the line's weighs it: as much as a load scorer, for an adapter that is not there has to be loaded.
        lora_scorer=("lora-affinity-scorer", 2),
        disaggregation=_DISAGGREGATION,
        tiered_prefix=_TIERED_PREFIX,
        precise_prefix=_PRECISE_PREFIX,
        # pkg/epp/metrics/llm_d_router_metrics.go; the names of old are still told, and deprecated.
        pool_metrics=MappingProxyType(
            {
                "queue-size": "llm_d_epp_average_queue_size",
                "kv-cache-utilization": "llm_d_epp_average_kv_cache_utilization",
            }
        ),
        # guides/flow-control and guides/workload-autoscaling/keda-epp
        flow_control=FlowControlDialect(feature_gate="flowControl", queue_metric="llm_d_epp_flow_control_queue_size"),
    ),
    sidecar=_SIDECAR,
    body_router=BodyRouterDialect(
        # config/charts/body-based-routing of v1.5.0. Its second plugin, which looks LoRA adapters up, is left out:
        # every name has a route.
        args=(
            "--streaming",
            "--v=3",
            "--plugin",
            'body-field-to-header:model-extractor:{"fieldName":"model","headerName":"X-Gateway-Model-Name"}',
        ),
        header="X-Gateway-Model-Name",
        reads_config_maps=True,
    ),
    refused_gateways=MappingProxyType({}),
    images=MappingProxyType(
        {
            # The line's own guide (multi-model-routing) has its successor, llm-d's payload processor, at a version that
            # the reader is to choose and no list of the line's components names.
            "body-router": ImagePin(
                reference="registry.k8s.io/gateway-api-inference-extension/bbr:v1.5.0",
                source="config/charts/body-based-routing of gateway-api-inference-extension v1.5.0, the line's",
            ),
            "picker": ImagePin(
                reference="ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
                source=_COMPONENTS,
            ),
            "sidecar": ImagePin(
                reference="ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0",
                source=_COMPONENTS,
            ),
            "envoy": ImagePin(
                reference="docker.io/envoyproxy/envoy:distroless-v1.33.2",
                source="config/charts/llm-d-router-standalone/values.yaml of llm-d-router v0.10.0",
            ),
            "render": ImagePin(
                reference="docker.io/vllm/vllm-openai-cpu:v0.26.0",
                source="guides/precise-prefix-cache-routing/render names the CPU build of the line's vLLM (v0.23.0 in"
                " llm-d 0.8)",
                engine_version="0.26.0",
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
                        "vllm-openai": ImagePin(
                            reference="docker.io/vllm/vllm-openai:v0.26.0",
                            source=f"{_COMPONENTS}; guides/recipes/modelserver/components/images/gpu-vllm",
                            engine_version="0.26.0",
                            lacks=MappingProxyType({"libfabric": f"{_NO_EFA}; take llm-d-aws"}),
                        ),
                        "llm-d-aws": ImagePin(
                            reference="ghcr.io/llm-d/llm-d-aws:v0.9.0",
                            source=f"{_COMPONENTS}, with vLLM 0.26.0 in it; the guides' image for EFA is"
                            " guides/recipes/modelserver/components/images/gpu-vllm/aws-efa/llm-d",
                            engine_version="0.26.0",
                        ),
                    }
                ),
                default="vllm-openai",
                model_command="vllmServe",
                disaggregation=DisaggregationPins(
                    tensor=TensorPairs.EITHER_MULTIPLE,
                    why="vLLM divides the attention heads of one side among the other's GPUs"
                    " (docs/features/nixl_connector_compatibility.md)",
                    # With a connector the hybrid manager is off by default, and models with sliding windows would
                    # hold, and send, every layer in full: the guide switches it on.
                    args=("--block-size", "128", "--no-disable-hybrid-kv-cache-manager"),
                ),
                event_block_tokens=64,
            ),
            "sglang": EnginePins(
                images=MappingProxyType(
                    {
                        "sglang": ImagePin(
                            reference="docker.io/lmsysorg/sglang:v0.5.13.post1",
                            source="guides/recipes/modelserver/components/images/aws-gpu-sglang of llm-d at baef0f1f,"
                            " which names the guides' common image; they moved to v0.5.16 after the release"
                            " (llm-d#2418, 2026-08-31)",
                            engine_version="0.5.13.post1",
                            lacks=MappingProxyType(
                                {"libfabric": f"{_NO_EFA}; for SGLang that is one of AWS' Deep Learning Containers"}
                            ),
                        ),
                    }
                ),
                default="sglang",
                model_command="custom",
                disaggregation=DisaggregationPins(
                    tensor=TensorPairs.EQUAL,
                    why="with others SGLang breaks on models with sliding windows, and the sidecar swallows prefill's"
                    " error, so that clients wait for ever (llm-d#2433); llm-d's guide gives both sides as many"
                    " (llm-d#2442)",
                ),
                event_block_tokens=64,
            ),
            "tensorrt-llm": EnginePins(
                images=MappingProxyType(
                    {
                        "tensorrt-llm-release": ImagePin(
                            reference="nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc18",
                            source="guides/optimized-baseline/modelserver/gpu/trtllm/base of llm-d at c7b92a65; there"
                            " is no release of 1.3 yet",
                            engine_version="1.3.0rc18",
                        ),
                    }
                ),
                default="tensorrt-llm-release",
                model_command="custom",
            ),
        }
    ),
    refused_engines=MappingProxyType({}),
    crd_bundles=(_GATEWAY_API, _INFERENCE_EXTENSION, _ROUTER),
    # Engine images are built on CUDA 13.0.2 since llm-d 0.7 (its release notes: "driver >= 580").
    minimum_nvidia_driver=580,
)
