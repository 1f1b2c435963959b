"""Every single mistake in a config gives exactly its own fault: where, what was given, what is allowed, what is near.

What these tests cannot prove: that the known words themselves are right (an instance type that EC2 does not sell, a
model that Hugging Face does not have), nor that a cluster would take what passes.
"""

import pytest

from settings import Fault
from tests.support.configs import REMOVED, faults

TOP = (
    "cluster, controllers, crds, devicePlugin, efaDevicePlugin, engine, engines, gateway, gpuPools, huggingFace,"
    " images, layers, models, monitoring, namespace, namespaces, objectStorage, release, storageClasses"
)
MODEL = (
    "autoscaling, cache, canary, custom, engine, extraArgs, image, loraAdapters, modelCommand, objectives, parallelism,"
    " path, picker, pool, precisePrefixCache, prefill, replicas, resources, revision, servedName, source,"
    " tieredPrefixCache, weights"
)
POOL = (
    "advertiser, amiType, autoscaler, capacity, desiredSize, diskSizeGib, efa, efaAdvertiser, fabric,"
    " instanceType, localStorage, maxSize, migProfile, minSize, nodeSelector, placementGroup, provisioner,"
    " releaseVersion, reservationId, taint, usdPerHour, zones"
)
SOURCES = (
    "hf://<org>/<model>, pvc://<claim>/<path>, pvc+hf://<claim>/[<path>/]<org>/<model>,"
    " oci://<registry>/<name>:<tag>[#<path>], s3://<bucket>/<path>"
)
SMALLER = "fewer replicas, less parallelism, a larger maxSize or another pool"
DNS_LABEL = "must be a DNS label: lower-case letters, digits and '-', 63 characters at most"
DNS_SUBDOMAIN = "must be a DNS subdomain: lower-case letters, digits, '-' and '.', 253 characters at most"
REGISTRY = "must be a registry as host[:port][/path], without a scheme, such as registry.example.com/mirror"
SERVED_NAME = "must be printable text without spaces and quotes that does not start with '-'"
CPU = "must be a CPU quantity of Kubernetes: cores such as 4 or 0.5, or millicores such as 500m"
MOVES = "moves from image to image; give a version's tag or a digest"
PATH = "must start with / and hold nothing but letters, digits, '.', '_', '~', '-' and '/'"
CUSTOM = {
    "image": "registry.example.com/engine:1.0",
    "command": ["serve"],
    "metrics": {"queuedRequests": "waiting", "kvCacheUsage": "usage"},
}


def _unknown(path: str, allowed: str, nearest: str | None = None) -> Fault:
    return Fault(path=path, problem="unknown key", allowed=allowed, nearest=nearest)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("engin", _unknown("engin", TOP, "engine")),
        ("zzz", _unknown("zzz", TOP)),
        (
            "cluster.manifest",
            _unknown("cluster.manifest", "eks, existing, manifests, providerVersion, reference", "manifests"),
        ),
        (
            "gateway.listner",
            _unknown("gateway.listner", "exposure, listener, provider, proxyCidrs, replicas", "listener"),
        ),
        ("gateway.listener.prot", _unknown("gateway.listener.prot", "certificateSecret, port, protocol", "port")),
        ("gpuPools.l4.maxsize", _unknown("gpuPools.l4.maxsize", POOL, "maxSize")),
        ("gpuPools.l4.taint.efect", _unknown("gpuPools.l4.taint.efect", "effect, key, value", "effect")),
        ("models.qwen.replica", _unknown("models.qwen.replica", MODEL, "replicas")),
        (
            "models.qwen.parallelism.tensr",
            _unknown("models.qwen.parallelism.tensr", "data, dataLocal, expert, tensor, workers", "tensor"),
        ),
        (
            "models.qwen.picker.failuremode",
            _unknown("models.qwen.picker.failuremode", "cpu, failureMode, memory, replicas", "failureMode"),
        ),
        ("engines.vllm.imge", _unknown("engines.vllm.imge", "image", "image")),
        (
            "images.registy",
            _unknown(
                "images.registy", "devicePlugin, digests, efaDevicePlugin, mirrors, pullSecrets, registry", "registry"
            ),
        ),
        ("huggingFace.tokn", _unknown("huggingFace.tokn", "token, tokenSecret", "token")),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(path: str, expected: Fault) -> None:
    """At every depth an unknown key is one fault, with the keys that are known there and the one most like it."""
    assert faults({path: "x"}) == [expected]


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        (
            "release",
            "v0.40",
            Fault(path="release", problem="unknown release line", given="v0.40", allowed="v0.4, v0.9", nearest="v0.4"),
        ),
        (
            "engine",
            "sglng",
            Fault(
                path="engine",
                problem="unknown engine",
                given="sglng",
                allowed="custom, sglang, vllm",
                nearest="sglang",
            ),
        ),
        (
            "models.qwen.engine",
            "vlm",
            Fault(
                path="models.qwen.engine",
                problem="unknown engine",
                given="vlm",
                allowed="custom, sglang, vllm",
                nearest="vllm",
            ),
        ),
        (
            "engines",
            {"sglan": {}},
            Fault(
                path="engines.sglan",
                problem="unknown engine",
                given="sglan",
                allowed="custom, sglang, vllm",
                nearest="sglang",
            ),
        ),
        (
            "models.qwen.engine",
            "tensorrt-llm",
            Fault(
                path="models.qwen.engine",
                problem="release line v0.4 cannot run tensorrt-llm: llm-d 0.4 has no support for it (inferencepool"
                " chart v1.2.0 (gateway-api-inference-extension), the library that llm-d 0.4's picker is built on);"
                " line v0.9 does",
            ),
        ),
        (
            "gpuPools.l4.instanceType",
            "g6.xlrage",
            Fault(
                path="gpuPools.l4.instanceType",
                problem="unknown instance type",
                given="g6.xlrage",
                allowed="one of the 57 types in catalog/instance_types.py",
                nearest="g6.xlarge",
            ),
        ),
        (
            "models.qwen.source",
            "pv://claim/path",
            Fault(
                path="models.qwen.source",
                problem="unknown source scheme",
                given="pv://claim/path",
                allowed=SOURCES,
                nearest="pvc",
            ),
        ),
        (
            "models.qwen.source",
            "hf://Qwen3",
            Fault(
                path="models.qwen.source",
                problem="is not hf://<org>/<model>",
                given="hf://Qwen3",
                allowed=SOURCES,
                nearest="hf",
            ),
        ),
        (
            "models.qwen.source",
            "pvc://claim/../etc",
            Fault(
                path="models.qwen.source",
                problem="is not pvc://<claim>/<path>",
                given="pvc://claim/../etc",
                allowed=SOURCES,
                nearest="pvc",
            ),
        ),
        (
            "models.qwen.source",
            "hf://Qwen/Unheard-Of",
            Fault(
                path="models.qwen.weights",
                problem="is required: the catalogue does not know Qwen/Unheard-Of",
                allowed="the size of the weights, such as 1.5Gi",
            ),
        ),
        (
            "models.qwen.pool",
            "l44",
            Fault(path="models.qwen.pool", problem="unknown pool", given="l44", allowed="l4", nearest="l4"),
        ),
        (
            "models.qwen.replicas",
            4,
            Fault(
                path="models.qwen",
                problem="4 x 1 GPUs fit no pool: l4 has 3 x 1 GPUs, 0 of them taken",
                allowed=SMALLER,
            ),
        ),
        (
            "models.qwen.parallelism",
            {"tensor": 2},
            Fault(
                path="models.qwen",
                problem="one replica needs 2 GPUs of one node, the widest node has 1",
                allowed=SMALLER,
            ),
        ),
        (
            "models.qwen.image",
            "vllm-openia",
            Fault(
                path="models.qwen.image",
                problem="is neither an image of line v0.4 for vllm nor a reference with tag or digest",
                given="vllm-openia",
                allowed="llm-d-cuda, vllm-openai, or registry/name:tag",
                nearest="vllm-openai",
            ),
        ),
        (
            "models.qwen.image",
            "registry.example.com/a b:1",
            Fault(
                path="models.qwen.image",
                problem="is neither an image of line v0.4 for vllm nor a reference with tag or digest",
                given="registry.example.com/a b:1",
                allowed="llm-d-cuda, vllm-openai, or registry/name:tag",
            ),
        ),
        (
            "engines",
            {"sglang": {"image": "llm-d-cuda"}},
            Fault(
                path="engines.sglang.image",
                problem="is neither an image of line v0.4 for sglang nor a reference with tag or digest",
                given="llm-d-cuda",
                allowed="sglang-runtime, or registry/name:tag",
            ),
        ),
        (
            "models.qwen.modelCommand",
            "custom",
            Fault(
                path="models.qwen.modelCommand",
                problem="engine vllm cannot be started this way",
                given="custom",
                allowed="vllmServe, imageDefault",
            ),
        ),
        (
            "models.qwen.modelCommand",
            "vllmserve",
            Fault(
                path="models.qwen.modelCommand",
                problem="is not a known word",
                given="vllmserve",
                allowed="vllmServe, imageDefault, custom",
                nearest="vllmServe",
            ),
        ),
        (
            "models.qwen.engine",
            "custom",
            Fault(
                path="models.qwen.custom",
                problem="is required: engine custom knows neither image, command nor metrics of its own",
            ),
        ),
        (
            "models.qwen.custom",
            CUSTOM,
            Fault(path="models.qwen.custom", problem="is given, but the model's engine is vllm"),
        ),
        *(
            (
                path,
                reference,
                Fault(path=path, problem=f"tag {tag} {MOVES}", given=reference, allowed=allowed),
            )
            for path, reference, tag, allowed in (
                ("models.qwen.image", "a/b:latest", "latest", "llm-d-cuda, vllm-openai, or registry/name:tag"),
                ("engines.vllm.image", "a/b:nightly", "nightly", "llm-d-cuda, vllm-openai, or registry/name:tag"),
                ("images.devicePlugin", "a/b:main", "main", None),
            )
        ),
        (
            "engines",
            {"custom": {"image": "a/b:1"}},
            Fault(
                path="engines.custom.image",
                problem="has no meaning: each model on engine custom says its own image",
                given="a/b:1",
                allowed="models.<name>.custom.image",
            ),
        ),
        *(
            ("images.registry", registry, Fault(path="images.registry", problem=REGISTRY, given=registry))
            for registry in ("", "https://mirror.example.com", "mirror", "mirror/llm-d", "a.b:port", "a.b//c", "a.b/C")
        ),
        (
            "images.mirrors",
            {"ghcr.io": ""},
            Fault(path="images.mirrors.ghcr.io", problem=REGISTRY, given=""),
        ),
        (
            "images.mirrors",
            {"ghcr": "mirror.example.com"},
            Fault(
                path="images.mirrors.ghcr",
                problem="must be a registry's host[:port], such as ghcr.io or docker.io",
            ),
        ),
        *(
            (path, name, Fault(path=path, problem=DNS_SUBDOMAIN, given=name))
            for path in ("gateway.listener.certificateSecret",)
            for name in ("", "a..b", "A", "a_b", ".a", "a-", "a" * 254)
        ),
        (
            "images.pullSecrets",
            ["sound", "a b"],
            Fault(path="images.pullSecrets.1", problem=DNS_SUBDOMAIN, given="a b"),
        ),
        *(
            ("models.qwen.servedName", name, Fault(path="models.qwen.servedName", problem=SERVED_NAME, given=name))
            for name in ("", "a b", "a\tb", "a\n", "\x00", "'a'", 'a"', "a`", "-a", "a\u2028b", "a\u00a0b")
        ),
        *(
            (
                f"models.qwen.{path}",
                cpu,
                Fault(path=f"models.qwen.{path}", problem=problem, given=str(cpu)),
            )
            for path in ("resources.cpu", "picker.cpu")
            for cpu, problem in (
                ("four", CPU),
                ("", CPU),
                ("1Gi", CPU),
                (-1, CPU),
                ("0", "must be greater than 0"),
                ("0m", "must be greater than 0"),
                (0, "must be greater than 0"),
                (True, "must be a string"),
            )
        ),
        *(
            (path, "65535Ki", Fault(path=path, problem="must be 64Mi at least", given="65535Ki"))
            for path in ("models.qwen.resources.memory", "models.qwen.picker.memory")
        ),
        ("models.qwen.path", "chat", Fault(path="models.qwen.path", problem=PATH, given="chat")),
        ("models.qwen.path", "/a/../b", Fault(path="models.qwen.path", problem=PATH, given="/a/../b")),
        ("models.qwen.path", "/a(b", Fault(path="models.qwen.path", problem=PATH, given="/a(b")),
        (
            "models.qwen.weights",
            "1.5GB",
            Fault(
                path="models.qwen.weights",
                problem="not a Kubernetes quantity: '1.5GB'; write 1.5Gi, 800Mi or a number of bytes",
                given="1.5GB",
            ),
        ),
        (
            "models.qwen.replicas",
            0,
            Fault(path="models.qwen.replicas", problem="must be greater than or equal to 1", given="0"),
        ),
        (
            "models.qwen.replicas",
            "2",
            Fault(path="models.qwen.replicas", problem="must be an integer", given="2"),
        ),
        (
            "models.qwen.replicas",
            10**9,
            Fault(path="models.qwen.replicas", problem="must be less than or equal to 1000", given="1000000000"),
        ),
        ("namespace", "LLM_D", Fault(path="namespace", problem=DNS_LABEL, given="LLM_D")),
        (
            "namespace",
            "default",
            Fault(
                path="namespace",
                problem="is the cluster's own; this stack creates its namespaces and deletes them",
                given="default",
            ),
        ),
        (
            "devicePlugin.namespace",
            "kube-system",
            Fault(
                path="devicePlugin.namespace",
                problem="is the cluster's own; this stack creates its namespaces and deletes them",
                given="kube-system",
            ),
        ),
        (
            "devicePlugin.namespace",
            "llm-d",
            Fault(
                path="devicePlugin.namespace",
                problem="is the serving namespace, which is restricted; the device plugin's pods are privileged",
                given="llm-d",
            ),
        ),
        (
            "images.devicePlugin",
            "nvidia/k8s-device-plugin",
            Fault(
                path="images.devicePlugin",
                problem="must be an image reference with a tag or a digest, such as registry/name:tag",
                given="nvidia/k8s-device-plugin",
            ),
        ),
        (
            "crds",
            "instal",
            Fault(
                path="crds",
                problem="is not a known word",
                given="instal",
                allowed="install, existing",
                nearest="install",
            ),
        ),
        (
            "gateway.provider",
            "isto",
            Fault(
                path="gateway.provider",
                problem="is not a known word",
                given="isto",
                allowed="standalone, istio, agentgateway, gke, envoy-ai-gateway",
                nearest="istio",
            ),
        ),
        ("models", ["qwen"], Fault(path="models", problem="must be a mapping")),
        ("gateway", "istio", Fault(path="gateway", problem="must be a mapping", given="istio")),
        (
            "cluster",
            {},
            Fault(path="cluster", problem="exactly one of existing, eks, reference, manifests says where to deploy to"),
        ),
        (
            "gpuPools.l4.minSize",
            4,
            Fault(path="gpuPools.l4", problem="minSize 4 is greater than maxSize 3"),
        ),
    ],
)
def test_a_bad_value_gives_exactly_its_fault(path: str, given: object, expected: Fault) -> None:
    """One bad value is one fault, and nothing that only follows from it is reported."""
    assert faults({path: given}) == [expected]


@pytest.mark.parametrize("path", ["release", "cluster", "gpuPools", "models"])
def test_a_missing_key_is_one_fault(path: str) -> None:
    """A required key that is missing is said once, whatever rules would have needed it."""
    assert faults({path: REMOVED}) == [Fault(path=path, problem="is required but missing")]


def test_a_missing_source_is_one_fault() -> None:
    """A model without a source is one fault, although the whole model is left out of the rules."""
    assert faults({"models.qwen.source": REMOVED}) == [
        Fault(path="models.qwen.source", problem="is required but missing")
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Qwen3", DNS_LABEL),
        *(
            (name, "must start with a letter: Services are named after it, whose names are DNS-1035 labels")
            for name in ("7b", "0")
        ),
        ("q" * 36, "must be 35 characters at most: the names of its objects are made from it"),
    ],
)
def test_a_models_name_must_fit_into_object_names(name: str, problem: str) -> None:
    """A model's key is a DNS label that starts with a letter, short enough for the names that are derived from it."""
    source = {"source": "hf://Qwen/Qwen3-0.6B"}

    assert faults({"models": {name: source}}) == [Fault(path=f"models.{name}", problem=problem)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        *(
            (name, "must be the name of an environment variable: letters, digits and '_', no digit first")
            for name in ("", "1A", "A-B", "A.B", "A=B", "A B", "\u00c4")
        ),
        *(
            (name, f"is set by the pod itself: {why}; remove the key")
            for name, why in (
                ("HOME", "it is the pod's writable volume"),
                ("USER", "the pod's uid has no name in the image"),
                ("XDG_CACHE_HOME", "caches go to the pod's writable volume"),
                ("HF_HOME", "weights go to the pod's volume for them"),
                ("HF_TOKEN", "it comes from the Secret of huggingFace, here it would be plain text"),
            )
        ),
    ],
)
def test_an_engines_environment_is_its_own(name: str, problem: str) -> None:
    """Names that no variable can have, and those that the pod itself sets, are refused with the reason."""
    custom = {**CUSTOM, "env": {"SOUND_1": "x", "_a": "", name: "x"}}

    assert faults({"engine": "custom", "models.qwen.custom": custom}) == [
        Fault(path=f"models.qwen.custom.env.{name}", problem=problem)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"huggingFace": {"tokenSecret": "team.hf-token"}, "images.pullSecrets": ["a.b"]},
        {"images": {"registry": "localhost:5000", "mirrors": {"ghcr.io": "1234.dkr.ecr.example.com/ghcr"}}},
        {"images": {"registry": "registry.example.com:443/a/b_c"}},
        {"models.qwen.servedName": "org/model:latest"},
        {"models.qwen.resources": {"cpu": 2, "memory": "64Mi"}, "models.qwen.picker": {"cpu": "500m"}},
        {"models.qwen.image": "a/b:latest@sha256:" + "0" * 64},
        {"engines": {"custom": {}}},
    ],
)
def test_what_kubernetes_takes_is_sound(changes: dict[str, object]) -> None:
    """Names with dots, registries with ports and numbers for quantities are what a cluster takes."""
    assert faults(changes) == []
