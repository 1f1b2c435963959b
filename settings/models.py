"""A model of the stack: where its weights come from, which engine serves it, how much of what it gets."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from settings.autoscaling import AutoscalingSettings
from settings.base import (
    Bytes,
    CpuQuantity,
    DnsLabel,
    DnsSubdomain,
    FrozenMap,
    ImageReference,
    SettingsModel,
    whole_mebibytes,
)
from settings.canary import CanarySettings
from settings.gateway import FailureMode
from settings.lora import AdapterName, LoraAdapterSettings
from settings.objectives import ObjectiveSettings
from settings.parallelism import ParallelismSettings
from settings.prefix_cache import PrecisePrefixCacheSettings, TieredPrefixCacheSettings
from settings.storage import CacheSettings

__all__ = [
    "TOKEN_PLACEHOLDER",
    "CustomEngineSettings",
    "CustomMetricsSettings",
    "EngineSettings",
    "HuggingFaceSettings",
    "ModelCommand",
    "ModelSettings",
    "PickerSettings",
    "PrefillSettings",
    "ResourcesSettings",
    "SecretMark",
]


class ModelCommand(StrEnum):
    """How the engine's container is started: the three words of llm-d's modelservice chart."""

    VLLM_SERVE = "vllmServe"
    """`vllm serve <model>`."""
    IMAGE_DEFAULT = "imageDefault"
    """The image's own entry point, with `--model <model>`."""
    CUSTOM = "custom"
    """A command of its own."""


class ResourcesSettings(SettingsModel):
    """Requests of one pod. Default: the share of a node that the pod's GPUs are of the node's GPUs."""

    cpu: CpuQuantity | None = None
    """CPU request, such as `8` or `3500m`; there is no limit (docs/adr/0009)."""
    memory: Bytes | None = None
    """Memory request and limit, /dev/shm included."""

    @field_validator("memory")
    @classmethod
    def _whole_mebibytes(cls, value: int | None) -> int | None:
        return None if value is None else whole_mebibytes(value)


class PrefillSettings(SettingsModel):
    """Prefill as a role of its own.

    What both roles share is the model's: engine, image, weights, `extraArgs`. Only what may differ between them is
    said here; the model's own keys of the same names are those of decode.
    """

    replicas: int = Field(default=1, ge=1, le=1000)
    """Pods that compute prompts."""
    parallelism: ParallelismSettings = Field(default_factory=ParallelismSettings)
    pool: DnsLabel | None = None
    """GPU pool of this role. Default: chosen as for the model itself."""
    resources: ResourcesSettings = Field(default_factory=ResourcesSettings)
    extra_args: tuple[str, ...] = Field(default=(), strict=False)
    """Arguments of this role alone, after the model's `extraArgs`, which both roles get."""


class PickerSettings(SettingsModel):
    """The endpoint picker of one model."""

    replicas: int = Field(default=1, ge=1)
    """Pods of the picker; one, for the standby of a pair is never ready and `up` would wait for it in vain."""
    failure_mode: FailureMode = Field(default=FailureMode.FAIL_CLOSE, strict=False)
    cpu: CpuQuantity = "1"
    """CPU request; llm-d's own sizing: 0.5-1 core per large request/s."""
    memory: Bytes = 2 * 1024**3
    """Memory request, a quarter of the limit; llm-d's own sizing: 4-6 GiB at 50-100 requests/s."""

    @field_validator("memory")
    @classmethod
    def _whole_mebibytes(cls, value: int) -> int:
        return whole_mebibytes(value)


class CustomMetricsSettings(SettingsModel):
    """Where the picker finds the load of an engine that this program does not know."""

    path: str = "/metrics"
    """HTTP path of the metrics, on the engine's port."""
    queued_requests: str
    """Metric: requests that wait."""
    running_requests: str = ""
    """Metric: requests that run. Default: not told; only later release lines ask for it."""
    kv_cache_usage: str
    """Metric: share of the KV cache in use, 0 to 1."""


_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_SET_BY_POD: Mapping[str, str] = MappingProxyType(
    {
        "HOME": "it is the pod's writable volume",
        "USER": "the pod's uid has no name in the image",
        "XDG_CACHE_HOME": "caches go to the pod's writable volume",
        "HF_HOME": "weights go to the pod's volume for them",
        "HF_HUB_CACHE": "it is where the model's source is",
        "HF_HUB_OFFLINE": "it follows from the model's source",
        "HF_TOKEN": "it comes from the Secret of huggingFace, here it would be plain text",
    }
)


def _environment_name(value: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(value):
        raise ValueError("must be the name of an environment variable: letters, digits and '_', no digit first")
    if why := _SET_BY_POD.get(value):
        raise ValueError(f"is set by the pod itself: {why}; remove the key")
    return value


EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
"""An environment variable that a container may be given."""


class CustomEngineSettings(SettingsModel):
    """An engine that this program does not know; what it cannot know has to be said."""

    image: ImageReference
    """Image of the engine."""
    command: tuple[str, ...] = Field(min_length=1, strict=False)
    """Command of the container; model, port and parallelism are for it and `args` to say."""
    args: tuple[str, ...] = Field(default=(), strict=False)
    """Arguments; the model's `extraArgs` follow."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Port that the engine listens on, on every address."""
    liveness_path: str = "/health"
    """HTTP path that answers as long as the process works."""
    readiness_path: str = "/v1/models"
    """HTTP path that answers once the model can serve."""
    env: FrozenMap[EnvironmentName, str] = Field(default_factory=dict, validate_default=True)
    """Environment variables; never a secret, and none that the pod sets itself."""
    metrics: CustomMetricsSettings


class EngineSettings(SettingsModel):
    """An engine, for every model of this stack that it serves."""

    image: str | None = None
    """A name that the release line knows (`llm-d-cuda`, `vllm-openai`) or any image reference."""


TOKEN_PLACEHOLDER = "<huggingFace.token>"  # noqa: S105 - stands for one
"""Stands in rendered manifests for the token."""


class SecretMark:
    """Stands in the settings for a secret of the stack's config; the value itself is only ever a Pulumi Output."""

    def __repr__(self) -> str:
        """What a log or a golden shows."""
        return "[secret]"


def _secret_mark(value: object) -> object:
    if not isinstance(value, SecretMark):
        raise ValueError("must be a secret: `pulumi config set --secret --path llm-d:huggingFace.token` encrypts it")  # noqa: TRY004 - pydantic turns a ValueError into a fault
    return value


class HuggingFaceSettings(SettingsModel):
    """Access to gated models: one of the two, or none."""

    token_secret: DnsSubdomain | None = None
    """Name of an existing Secret in the serving namespace, with the key HF_TOKEN."""
    token: Annotated[object, BeforeValidator(_secret_mark)] | None = None
    """The token, as a config secret; this stack makes the Secret."""

    @model_validator(mode="after")
    def _one(self) -> "HuggingFaceSettings":
        if self.token_secret is not None and self.token is not None:
            raise ValueError("tokenSecret names an existing Secret, token makes one; give one of them")
        return self


_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}")


def _served_name(value: str) -> str:
    if not value or not value.isprintable() or value.startswith("-") or set(value) & set(" '\"`"):
        raise ValueError("must be printable text without spaces and quotes that does not start with '-'")
    return value


ServedName = Annotated[str, AfterValidator(_served_name)]
"""What clients write as `model`."""


def _revision(value: str) -> str:
    if not _REVISION.fullmatch(value) or ".." in value:
        raise ValueError("must be a commit, a tag or a branch: letters, digits, '.', '_', '/' and '-'")
    return value


Revision = Annotated[str, AfterValidator(_revision)]
"""A version of a repository."""


class ModelSettings(SettingsModel):
    """One model. Its key in `models` is its name, in every label, path and selector."""

    source: str
    """`hf://<org>/<model>`, `pvc://<claim>/<path>`, `pvc+hf://<claim>/[<path>/]<org>/<model>`, `oci://<image>[#<path>]`
    or `s3://<bucket>/<path>`."""
    revision: Revision | None = None
    """Commit, tag or branch of the repository on Hugging Face; only a commit never moves. Default: `main`, as it is at
    the time of each download."""
    cache: CacheSettings | None = None
    """A claim that the stack makes and fills once, so that no pod downloads. Default: each pod downloads for itself."""
    engine: str | None = None
    """Engine of this model. Default: the stack's."""
    image: str | None = None
    """Image of this model's engine: as `engines.<name>.image`, which it overrides."""
    model_command: ModelCommand | None = Field(default=None, strict=False)
    """How the container is started. Default: the engine's own way."""
    served_name: ServedName | None = None
    """The `model` that clients ask for. Default: `<org>/<model>` of the source, or the model's name."""
    path: str | None = None
    """URL path of the model on the gateway. Default: `/<name>`."""
    canary: CanarySettings | None = None
    """Another model of this stack that answers a share of the requests for this one."""
    replicas: int = Field(default=1, ge=1, le=1000)
    """Pods that serve the model."""
    autoscaling: AutoscalingSettings | None = None
    """An autoscaler instead of `replicas`."""
    parallelism: ParallelismSettings = Field(default_factory=ParallelismSettings)
    pool: DnsLabel | None = None
    """GPU pool. Default: of the pools that hold a replica, the one with the fewest GPUs per node."""
    weights: Bytes | None = None
    """Size of the weights; required unless the catalogue knows the model."""
    extra_args: tuple[str, ...] = Field(default=(), strict=False)
    """Arguments that are added to the engine's own."""
    resources: ResourcesSettings = Field(default_factory=ResourcesSettings)
    prefill: PrefillSettings | None = None
    """Disaggregates prefill: prompts are computed by servers of their own, whose KV cache decode fetches."""
    picker: PickerSettings = Field(default_factory=PickerSettings)
    lora_adapters: FrozenMap[AdapterName, LoraAdapterSettings] = Field(default_factory=dict, validate_default=True)
    """LoRA adapters by name. A client's `model` is that name; with engine sglang it is `<servedName>:<name>`."""
    objectives: FrozenMap[DnsSubdomain, ObjectiveSettings] = Field(default_factory=dict, validate_default=True)
    """Priorities that clients may ask for, by the name that they write in header `x-gateway-inference-objective`."""
    precise_prefix_cache: PrecisePrefixCacheSettings | None = None
    """Routes by what servers have cached: each publishes it, and the picker, which gets prompts tokenized, subscribes.
    Default: by what the picker has sent them."""
    tiered_prefix_cache: TieredPrefixCacheSettings | None = None
    """Keeps in memory what GPUs have no room for of their KV caches. Default: it is computed again."""
    custom: CustomEngineSettings | None = None
    """What engine `custom` runs."""
