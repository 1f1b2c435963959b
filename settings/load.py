"""From a stack's config to settings: the one place that knows how Pulumi hands config over.

The whole namespace is read, not key by key: only so can an unknown key be found. A secret is cut out before
validation and leaves a mark, so that it can reach neither a model, an error text nor a log.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from catalog import nearest
from releases import RELEASES
from releases.crd_store import missing_files
from settings.cluster import CrdsMode, ExistingCluster, LayerName
from settings.faults import SECRET_PATHS, ConfigFaultsError, Fault, faults_of, location_of
from settings.kubeconfig import KubeconfigError, read_kubeconfig
from settings.models import SecretMark
from settings.rules import faults_across
from settings.stack import StackSettings
from settings.yaml_files import YamlFileError, read_yaml

__all__ = ["NAMESPACE", "load_config", "load_stack_file", "validate"]

NAMESPACE = "llm-d"

# What stands in for a required key that is missing or was taken out, so that the rules still run on the rest; the
# rules that need the key itself are left out.
_STAND_INS: Mapping[str, Any] = {
    "release": "",
    "cluster": {"manifests": "."},
    "gpuPools": {},
    "models": {},
}

_KUBECONFIG_KEYS = tuple(field.alias for field in ExistingCluster.model_fields.values())

# Pydantic drops nothing by itself; each round removes what was at fault and looks again.
_MAX_ROUNDS = 20


def load_config(root: Path) -> StackSettings:
    """Settings of the stack that the Pulumi engine is running.

    Args:
        root: The project's folder; a relative kubeconfig is relative to it.

    Raises:
        ConfigFaultsError: with every fault of the config.
    """
    # Only here: everything else in settings/ must be importable without the Pulumi SDK.
    from pulumi.runtime.config import CONFIG, is_config_secret  # noqa: PLC0415

    prefix = f"{NAMESPACE}:"
    found = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
    secret_keys = {key for key in found if is_config_secret(prefix + key)}
    raw = {key: _parse_value(value) for key, value in found.items()}
    faults = []
    for key in sorted(secret_keys):
        paths = [path for path in SECRET_PATHS if path[0] == key]
        # Pulumi tells only which top-level key holds a secret, not where in it.
        if not paths or not any(_replace(raw, path, SecretMark()) for path in paths):
            raw.pop(key)
            allowed = ", ".join(".".join(path) for path in SECRET_PATHS)
            faults.append(Fault(path=key, problem="holds a secret where none belongs", allowed=allowed))
    return validate(raw, [*faults, *_kubeconfig_faults(raw, root), *_crd_faults(raw)])


def _kubeconfig_faults(raw: Mapping[str, Any], root: Path) -> list[Fault]:
    """Whether the kubeconfig and its context are there.

    Checked for the program alone: the lab writes the file that its own stack names.
    """
    cluster = raw.get("cluster")
    eks = cluster.get("eks") if isinstance(cluster, dict) else None
    path, given_cluster = "cluster.existing", cluster.get("existing") if isinstance(cluster, dict) else None
    if isinstance(eks, dict) and isinstance(eks.get("existing"), dict):
        path, given_cluster = "cluster.eks.existing", {key: eks["existing"].get(key) for key in _KUBECONFIG_KEYS}
    try:
        existing = ExistingCluster.model_validate(given_cluster)
    except ValidationError:
        return []
    try:
        read_kubeconfig(existing, root)
    except KubeconfigError as error:
        given = getattr(existing, error.key)
        near = nearest(given or "", (error.allowed or "").split(", ")) if error.key == "context" else None
        path = f"{path}.{error.key}"
        return [Fault(path=path, problem=str(error), given=given, allowed=error.allowed, nearest=near)]
    return []


def _owns(raw: Mapping[str, Any], layer: LayerName) -> bool:
    """Whether the stack has a layer, as far as a raw config tells."""
    layers = raw.get("layers")
    return not isinstance(layers, list) or layer in layers


def _crd_faults(raw: Mapping[str, Any]) -> list[Fault]:
    """Whether the CRD files of the release line are on this machine; a plan does not fetch them."""
    release = RELEASES.get(str(raw.get("release")))
    if release is None or raw.get("crds", CrdsMode.INSTALL) != CrdsMode.INSTALL or not _owns(raw, LayerName.PLATFORM):
        return []
    missing = missing_files(release)
    if not missing:
        return []
    return [
        Fault(
            path="crds",
            problem=f"{len(missing)} CRD files of release line {release.name} are not on this machine",
            given=str(CrdsMode.INSTALL),
            allowed="`make crds STACK=<stack>` fetches them once; or existing, where the cluster has the CRDs",
        )
    ]


def load_stack_file(path: Path) -> StackSettings:
    """Settings of a `Pulumi.<stack>.yaml`, without the engine: for the lab and for tools.

    Raises:
        ConfigFaultsError: with every fault of the config, or that the file cannot be read.
    """
    try:
        document = read_yaml(path)
    except (FileNotFoundError, YamlFileError) as error:
        fault = Fault(path="", problem=f"the stack's config cannot be read: {error}")
        raise ConfigFaultsError([fault], str(path)) from None
    config = document.get("config") if isinstance(document, dict) else None
    config = config if isinstance(config, dict) else {}
    prefix = f"{NAMESPACE}:"
    raw = {str(key).removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}
    return validate({key: _mark_secure(value) for key, value in raw.items()}, origin=str(path))


def validate(
    raw: Mapping[str, Any], faults: list[Fault] | None = None, origin: str = "the stack's config"
) -> StackSettings:
    """Settings of a raw config; all faults at once.

    What is at fault is taken out and the rest is validated again, so that the rules across keys still run on what
    is sound: one run tells everything. A rule is left out where a key that it needs was at fault.

    Args:
        raw: The namespace's keys, without the namespace.
        faults: Faults that were found before.
        origin: Where the config comes from, for the message.

    Raises:
        ConfigFaultsError: with every fault.
    """
    faults = list(faults or [])
    remaining: Any = deepcopy(dict(raw))
    if not _owns(remaining, LayerName.SERVING):
        # A stack of the infrastructure alone knows no models.
        remaining.setdefault("models", {})
    broken = {fault.path for fault in faults}
    settings: StackSettings | None = None
    for _ in range(_MAX_ROUNDS):
        try:
            settings = StackSettings.model_validate(remaining)
            break
        except ValidationError as error:
            new = faults_of(error, StackSettings, remaining)
            faults += [fault for fault in new if not _follows_from(fault, faults)]
            locations = [location_of(item) for item in error.errors()]
            broken |= {".".join(map(str, location)) for location in locations}
            # The known key that a misspelt one stands for is at fault as well: its default is not what was meant.
            broken |= {_sibling(fault.path, fault.nearest) for fault in new if fault.problem == "unknown key"}
            for location in locations:
                _remove(remaining, location)
            remaining = {**{key: deepcopy(value) for key, value in _STAND_INS.items() if key in broken}, **remaining}
    if settings is not None:
        faults += faults_across(settings, broken)
    if faults or settings is None:
        raise ConfigFaultsError(faults, origin)
    return settings


def _parse_value(value: object) -> object:
    # Objects and lists arrive as JSON, scalars as they are. A bare number would be a release such as 0.4.
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            # Text that looks like JSON: the key's own type says what it has to be.
            return value
    return value


def _replace(raw: dict[str, Any], path: tuple[str, ...], value: object) -> bool:
    target: Any = raw
    for part in path[:-1]:
        target = target.get(part) if isinstance(target, dict) else None
    if not isinstance(target, dict) or path[-1] not in target:
        return False
    target[path[-1]] = value
    return True


def _mark_secure(value: object) -> object:
    """The config with each `{secure: ...}` replaced by a mark."""
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return SecretMark()
        return {key: _mark_secure(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark_secure(item) for item in value]
    return value


def _remove(raw: dict[str, Any], location: tuple[Any, ...]) -> None:
    """Remove what is at `location`, or the entry around it where a required key is missing."""
    for end in range(len(location), 0, -1):
        target: Any = raw
        for part in location[: end - 1]:
            target = target[part] if isinstance(target, dict) and part in target else None
        key = location[end - 1]
        if isinstance(target, dict) and key in target:
            del target[key]
            return


def _sibling(path: str, key: str | None) -> str:
    """The path of a key beside the one at `path`."""
    parent, dot, own = path.rpartition(".")
    return f"{parent}{dot}{key or own}"


def _follows_from(fault: Fault, earlier: list[Fault]) -> bool:
    """Whether a key is only missing, or a choice of keys only open, because an earlier round took something out."""
    return ("missing" in fault.problem or fault.problem.startswith("exactly one of")) and any(
        other.path == fault.path or other.path.startswith(f"{fault.path}.") for other in earlier
    )
