"""Policy configs: what an environment may say about the rules, and what the shipped ones say."""

import pytest

from operate.workspace import ROOT
from policy.checks import RULES, Severity
from policy.config import ConfigError, defaults, environment_of, parse, read

DEV = read(ROOT / "policy" / "dev.json")
PROD = read(ROOT / "policy" / "prod.json")


def test_without_a_config_the_defaults_hold() -> None:
    """An empty config is the rules' own."""
    assert parse({}) == defaults()


def test_a_level_may_stand_for_all_or_for_one() -> None:
    """A rule's own level wins over the one for all, and settings that are not named keep their defaults."""
    found = parse({"all": "advisory", "probes": "disabled", "image-pinned": {"enforcementLevel": "mandatory"}})

    assert found["probes"].severity is Severity.DISABLED
    assert found["image-pinned"].severity is Severity.MANDATORY
    assert found["image-pinned"].settings == {"digest": False}
    assert found["hardening"].severity is Severity.ADVISORY


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"image-pined": {}}, "image-pined: there is no such rule; did you mean image-pinned?"),
        ({"image-pinned": {"digests": True}}, "image-pinned.digests: there is no such setting; did you mean digest?"),
        ({"image-pinned": {"digest": "yes"}}, "image-pinned.digest: must be of type boolean, is 'yes'"),
        ({"gpu-cost": {"maxNodes": -1}}, "gpu-cost.maxNodes: must be of type number, is -1"),
        ({"gpu-cost": {"maxNodes": True}}, "gpu-cost.maxNodes: must be of type number, is True"),
        (
            {"image-registry": {"registries": "ghcr.io"}},
            "image-registry.registries: must be of type array, is 'ghcr.io'",
        ),
        ({"probes": "strict"}, "probes.enforcementLevel: must be one of mandatory, advisory, disabled, is strict"),
        ([], "a policy config is an object: rule -> {enforcementLevel, settings}"),
    ],
)
def test_a_wrong_config_is_refused(document: object, message: str) -> None:
    """A typing error would switch a rule off without a word, so it is an error that names the nearest word."""
    with pytest.raises(ConfigError) as error:
        parse(document)

    assert str(error.value) == message


def test_every_fault_is_in_one_message() -> None:
    """Nobody corrects a config one run at a time."""
    with pytest.raises(ConfigError) as error:
        parse({"nothing": {}, "probes": "strict"})

    assert len(str(error.value).splitlines()) == 2


def test_the_environments_differ_where_they_are_meant_to() -> None:
    """Production asks for digests, replicas and monitors, forbids public endpoints and sharing, and may cost more."""
    differing = {rule.id for rule in RULES if DEV[rule.id] != PROD[rule.id]}

    assert differing == {
        "availability",
        "cluster",
        "exposure",
        "gpu-advertiser",
        "gpu-cost",
        "image-pinned",
        "image-registry",
        "observability",
        "protected-state",
        "tested-versions",
        "volume-access",
    }
    assert PROD["gpu-cost"].settings["usdPerHour"] > DEV["gpu-cost"].settings["usdPerHour"]


def test_no_environment_weakens_a_mandatory_rule() -> None:
    """A shipped config raises levels and never lowers one."""
    mandatory = {rule.id for rule in RULES if rule.severity is Severity.MANDATORY}

    assert len(mandatory) == 23
    assert [{rule for rule in mandatory if config[rule].severity is Severity.MANDATORY} for config in (DEV, PROD)] == [
        mandatory,
        mandatory,
    ]


@pytest.mark.parametrize(
    ("stack", "config"),
    [
        ("examples/Pulumi.production.yaml", "prod.json"),
        ("Pulumi.eu-prod.yaml", "prod.json"),
        ("Pulumi.dev.yaml", "dev.json"),
        ("Pulumi.reproduction.yaml", "dev.json"),
        ("prod", "prod.json"),
        ("eu.west-production", "prod.json"),
        ("dev", "dev.json"),
    ],
)
def test_production_is_judged_by_production(stack: str, config: str) -> None:
    """A stack that is called so, by its name or by its file, gets production's config, any other development's."""
    assert environment_of(stack) == ROOT / "policy" / config
