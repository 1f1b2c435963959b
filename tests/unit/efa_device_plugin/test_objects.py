"""The device plugin for EFA beside AWS' chart, fact by fact, and where it runs.

The table says what the chart aws-efa-k8s-device-plugin v0.5.30 renders with its own values (aws/eks-charts at 5239609),
typed by hand from its template. What these tests cannot prove: that the plugin finds an interface; only a node with one
can, and that a later chart renders the same: a new image means reading its chart again.
"""

from typing import Any

from components.efa_device_plugin import EfaDevicePluginArgs, build
from stacks import plan_stack
from tests.support.configs import EKS, plan, settings
from tests.support.manifests import kinds_and_names

POOLS = ({"pool": "h100", "zone": "a"}, {"node.kubernetes.io/instance-type": "p5en.48xlarge"})
EFA = {**EKS, "gpuPools.l4.instanceType": "p5.48xlarge", "gpuPools.l4.zones": ["us-west-2a"], "gpuPools.l4.efa": True}

L4 = {"instanceType": "g6.xlarge", "minSize": 1, "releaseVersion": "1.34.1-20260810"}

CHART = {
    "automountServiceAccountToken": False,
    "priorityClassName": "system-node-critical",
    "hostNetwork": True,
    "containers": [
        {
            "name": "aws-efa-k8s-device-plugin",
            "image": "example.com/efa:v0.5.20",
            "securityContext": {
                "allowPrivilegeEscalation": True,
                "privileged": True,
                "runAsNonRoot": False,
                "runAsUser": 0,
            },
            "resources": {"requests": {"cpu": "10m", "memory": "20Mi"}},
            "volumeMounts": [
                {"name": "device-plugin", "mountPath": "/var/lib/kubelet/device-plugins"},
                {"name": "infiniband-volume", "mountPath": "/dev/infiniband/"},
                {"name": "neuron-tools", "mountPath": "/opt/aws/neuron/"},
            ],
        }
    ],
    "volumes": [
        {"name": "device-plugin", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}},
        {"name": "infiniband-volume", "hostPath": {"path": "/dev/infiniband/"}},
        {"name": "neuron-tools", "hostPath": {"path": "/opt/aws/neuron/", "type": "DirectoryOrCreate"}},
    ],
}


def _args(**changes: Any) -> EfaDevicePluginArgs:  # noqa: ANN401 - any field of the args
    values = {"namespace": "efa", "image": "example.com/efa:v0.5.20", "pool_selectors": POOLS, "taint_keys": ("gpu",)}
    return EfaDevicePluginArgs(**{**values, **changes})


def _pod(args: EfaDevicePluginArgs) -> dict[str, Any]:
    return dict(build(args)[""]["spec"]["template"]["spec"])


def test_the_pod_is_the_charts_but_for_where_it_runs() -> None:
    """Privileges, folders, priority and requests are the chart's; affinity and tolerations are the pools'."""
    pod = _pod(_args())

    assert {key: value for key, value in pod.items() if key not in {"affinity", "tolerations"}} == CHART


def test_it_runs_on_the_pools_nodes_alone() -> None:
    """One term per pool, and every taint of theirs is tolerated whatever its value."""
    pod = _pod(_args())

    (required,) = pod["affinity"]["nodeAffinity"].values()
    assert required == {
        "nodeSelectorTerms": [
            {
                "matchExpressions": [
                    {"key": "pool", "operator": "In", "values": ["h100"]},
                    {"key": "zone", "operator": "In", "values": ["a"]},
                ]
            },
            {
                "matchExpressions": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5en.48xlarge"]}
                ]
            },
        ]
    }
    assert pod["tolerations"] == [
        {"key": "CriticalAddonsOnly", "operator": "Exists"},
        {"key": "gpu", "operator": "Exists"},
    ]


def test_its_namespace_admits_privileged_pods() -> None:
    """The namespace is made with the DaemonSet, unless it is said to be there; pull secrets are looked for in it."""
    objects = build(_args(pull_secrets=("mirror",)))

    assert kinds_and_names(objects) == {
        "": ("DaemonSet", "aws-efa-k8s-device-plugin"),
        "namespace": ("Namespace", "efa"),
    }
    assert objects["namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    assert objects[""]["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    assert list(build(_args(creates_namespace=False))) == [""]


def test_a_pool_with_efa_has_the_plugin() -> None:
    """Image of the line, from the mirror; its own namespace; the nodes of that pool alone."""
    changes = {
        **EFA,
        "gpuPools.other": {**L4, "nodeSelector": {"example.com/pool": "other"}},
        "images.mirrors": {
            "602401143452.dkr.ecr.us-west-2.amazonaws.com": "602401143452.dkr.ecr.eu-west-1.amazonaws.com"
        },
        "efaDevicePlugin.namespace": "fabric",
    }

    assert plan_stack(settings(changes)).efa_device_plugin == EfaDevicePluginArgs(
        namespace="fabric",
        image="602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20",
        pool_selectors=({"node.kubernetes.io/instance-type": "p5.48xlarge"},),
        taint_keys=("nvidia.com/gpu",),
    )


def test_no_pool_with_efa_and_no_plugin() -> None:
    """Without EFA, with pods that speak TCP, and with another advertiser there is none."""
    assert plan(EKS).efa_device_plugin is None
    assert plan({**EFA, "gpuPools.l4.fabric": "none"}).efa_device_plugin is None
    external = {"cluster": {"manifests": "out"}, "gpuPools.l4.fabric": "efa", "gpuPools.l4.efaAdvertiser": "external"}
    assert plan({"gpuPools.l4.instanceType": "p5.48xlarge", **external}).efa_device_plugin is None
