"""Parts of pods that every component shares, and the names that more than one module predicts.

What these tests cannot prove: that Kubernetes accepts the parts; whole objects are tried on the lab's API server.
"""

import pytest

from components import pods
from naming import ModelNames, common_labels, model_selector, service_host
from tests.support.pod_security import restricted_violations

SECURE = {"name": "c", "securityContext": dict(pods.CONTAINER_SECURITY)}


def test_the_names_of_a_models_objects() -> None:
    """Names follow from the model's own, and all of them are claimed."""
    names = ModelNames(model="qwen")

    assert (names.pool, names.picker, names.server, names.server_of("prefill"), names.service_account) == (
        "qwen",
        "qwen-epp",
        "qwen-decode",
        "qwen-prefill",
        "qwen",
    )
    assert names.claimed() == {"qwen", "qwen-epp", "qwen-decode", "qwen-prefetch", "qwen-prefill", "qwen-render"}


def test_labels_and_selectors_carry_no_engine_and_no_version() -> None:
    """What never changes in an engine switch or an update is all that labels and selectors are made of."""
    assert common_labels(component="a", instance="b") == {
        "app.kubernetes.io/name": "a",
        "app.kubernetes.io/instance": "b",
        "app.kubernetes.io/part-of": "llm-d",
        "app.kubernetes.io/managed-by": "pulumi",
    }
    assert model_selector("qwen") == {"llm-d.ai/model": "qwen", "llm-d.ai/role": "decode"}
    assert service_host("a", "b") == "a.b.svc.cluster.local"


@pytest.mark.parametrize(
    ("namespace", "annotations", "expected"),
    [
        (None, None, {"name": "n", "labels": {"a": "b"}}),
        ("ns", {}, {"name": "n", "labels": {"a": "b"}, "namespace": "ns"}),
        ("ns", {"x": "y"}, {"name": "n", "labels": {"a": "b"}, "namespace": "ns", "annotations": {"x": "y"}}),
    ],
)
def test_metadata_holds_what_is_there(
    namespace: str | None, annotations: dict[str, str] | None, expected: dict[str, object]
) -> None:
    """A cluster-scoped object has no namespace, and nothing is empty."""
    assert pods.metadata("n", namespace, {"a": "b"}, annotations) == expected


def test_a_budget_never_blocks_a_drain() -> None:
    """One pod at a time may go, and one that does not work always."""
    assert pods.pod_disruption_budget("n", "ns", {"a": "b"}, {"c": "d"})["spec"] == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": {"c": "d"}},
    }


def test_pull_secrets_are_absent_or_all_there() -> None:
    """No empty list is written where no secret is named."""
    assert pods.pull_secrets(()) == {}
    assert pods.pull_secrets(("a", "b")) == {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}


def test_a_checksum_is_of_the_content_not_the_order() -> None:
    """The same data in another order rolls no pod; other data does."""
    assert pods.checksum({"a": "1", "b": "2"}) == pods.checksum({"b": "2", "a": "1"})
    assert pods.checksum({"a": "1"}) != pods.checksum({"a": "2"})
    assert len(pods.checksum({})) == 64


def test_what_the_components_share_is_restricted() -> None:
    """Pod and container parts together pass the standard `restricted`."""
    spec = {"securityContext": pods.pod_security(2000), "containers": [SECURE]}

    assert restricted_violations({"spec": spec}) == []
    assert pods.pod_security(2000)["fsGroup"] == 2000


@pytest.mark.parametrize(
    ("spec", "violations"),
    [
        (
            {"containers": [{"name": "c"}]},
            [
                "c: does not drop all capabilities",
                "c: has no seccomp profile",
                "c: may escalate its privileges",
                "c: may run as root",
            ],
        ),
        ({"hostPID": True, "securityContext": pods.pod_security(1), "containers": [SECURE]}, ["hostPID"]),
        (
            {"securityContext": pods.pod_security(0), "containers": [SECURE]},
            ["runAsUser is 0"],
        ),
        (
            {
                "securityContext": pods.pod_security(1),
                "containers": [{**SECURE, "ports": [{"containerPort": 1, "hostPort": 1}]}],
                "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
            },
            ["c: has a host port", "volume v is of a kind that is not allowed"],
        ),
        (
            {
                "securityContext": pods.pod_security(1),
                "containers": [
                    {"name": "c", "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}}}
                ],
            },
            [
                "c: adds capabilities",
                "c: does not drop all capabilities",
                "c: is privileged",
                "c: may escalate its privileges",
            ],
        ),
    ],
)
def test_the_check_of_the_standard_finds_what_it_forbids(spec: dict[str, object], violations: list[str]) -> None:
    """The check that other tests rely on refuses pods that the standard refuses."""
    assert restricted_violations({"spec": spec}) == violations
