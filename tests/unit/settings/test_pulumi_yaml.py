"""Pulumi.yaml names defaults for the CLI's user; the settings own them. Neither may drift from the other."""

import yaml

from operate.workspace import ROOT
from settings import StackSettings

PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
KEYS = {key: value for key, value in PROJECT["config"].items() if ":" not in key}


def test_every_default_of_the_project_file_is_the_settings_own() -> None:
    """A default that `pulumi config` shows is the one that the program takes."""
    fields = {info.alias: info for info in StackSettings.model_fields.values()}

    assert {key: str(value["default"]) for key, value in KEYS.items()} == {
        key: str(fields[key].default) for key in KEYS
    }


def test_every_key_with_a_plain_default_is_named_in_the_project_file() -> None:
    """Each top-level word of the settings that has a default can be seen with `pulumi config`."""
    plain = {info.alias for info in StackSettings.model_fields.values() if isinstance(info.default, str)}

    assert set(KEYS) == plain


def test_the_project_file_types_and_requires_nothing() -> None:
    """No key is typed and each has a default: the CLI would stop at the first missing or mistyped key."""
    assert {key: sorted(value) for key, value in KEYS.items()} == {key: ["default", "description"] for key in KEYS}


def test_default_providers_are_off_in_every_stack() -> None:
    """A resource without the stack's own provider fails instead of reaching whatever cluster kubectl points at."""
    assert PROJECT["config"]["pulumi:disable-default-providers"] == ["*"]
