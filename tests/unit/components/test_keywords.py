"""The engine's names of properties as keyword arguments of the SDKs: one rule for Kubernetes' classes and for AWS'."""

from components.keywords import keywords


def test_a_property_is_named_as_the_sdk_names_its_argument() -> None:
    """Words are parted where they begin, an acronym is one word, and what is nested keeps its names."""
    assert keywords({"spec": {"podSelector": {}}, "roleRef": 1, "clusterIP": 2, "ipv6CidrBlock": 3}) == {
        "spec": {"podSelector": {}},
        "role_ref": 1,
        "cluster_ip": 2,
        "ipv6_cidr_block": 3,
    }
