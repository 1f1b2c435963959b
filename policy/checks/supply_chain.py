"""What runs is what was reviewed: images, charts, versions, weights; pure."""

import re
from collections.abc import Iterator

from policy.checks.images import is_from, moving_tag
from policy.checks.pods import flag, has_gpu_pods, has_pods, pods_of
from policy.checks.rule import Group, Rule, Settings, Severity, setting_table
from policy.checks.subject import Subject, at, children
from policy.checks.world import World

__all__ = ["REGISTRIES", "RULES"]

REGISTRIES = [
    "ghcr.io/llm-d",
    "docker.io/vllm",
    "docker.io/lmsysorg",
    "docker.io/envoyproxy",
    "nvcr.io/nvidia",
    "registry.k8s.io",
    "*.dkr.ecr.*.amazonaws.com",
]
"""Where the images of the release lines come from, and the account's own registry."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_CHARTS = ("kubernetes:helm.sh/v4:Chart", "kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Chart")
_ADDON = "aws:eks/addon:Addon"
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def _images(subject: Subject) -> Iterator[tuple[str, str]]:
    """Every image of a workload's pods, with the container that runs it."""
    for pod in pods_of(subject):
        for container in pod.containers:
            yield container.name, str(at(container.spec, "image") or "")
        for volume in children(pod.spec, "volumes"):
            if reference := at(volume, "image", "reference"):
                yield f"volume {at(volume, 'name')}", str(reference)


def _pinned(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    for where, image in _images(subject):
        if why := moving_tag(image, digest=settings["digest"]):
            yield f"{where}: image {image or '(none)'} {why}"


def _registry(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    for where, image in _images(subject):
        if not is_from(image, settings["registries"]):
            yield f"{where}: image {image} is from none of {', '.join(settings['registries'])}"


def _is_versioned(subject: Subject) -> bool:
    return subject.type in (*_CHARTS, _ADDON, _NODE_GROUP) or subject.kind == "PlatformLayer"


def _versions(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    properties = subject.properties
    if subject.kind == "PlatformLayer":
        if (release := at(properties, "release")) not in settings["releases"]:
            yield f"release line {release} is none of {', '.join(settings['releases'])}"
    elif subject.type in _CHARTS:
        if not at(properties, "version"):
            yield f"chart {at(properties, 'chart')} has no version: whatever is newest would be installed"
    elif subject.type == _ADDON:
        if settings["addons"] and not at(properties, "addonVersion"):
            yield f"add-on {at(properties, 'addonName')} has no addonVersion: AWS would take its default of the day"
    elif settings["amiReleases"] and not at(properties, "releaseVersion") and at(properties, "amiType") != "CUSTOM":
        yield "has no releaseVersion: a new AMI would roll the nodes when nobody planned it"


def _trusts(words: list[str]) -> bool:
    return "--trust-remote-code" in words or "--trust-remote-code=true" in words


def _model(subject: Subject, settings: Settings, _world: World) -> Iterator[str]:
    for pod in pods_of(subject):
        for container in pod.gpu_containers:
            words = container.command_line
            models = _hub_models(words)
            if _trusts(words) and not set(models) & set(settings["trustedModels"]):
                yield f"{container.name}: runs code of {', '.join(models) or 'a model'}, which is not in trustedModels"
            revision = flag(container, "--revision")
            if settings["revision"] and models and not _COMMIT.fullmatch(revision or ""):
                yield f"{container.name}: {models[0]} is loaded at {revision or 'whatever revision is newest'}"


def _hub_models(words: list[str]) -> list[str]:
    """What looks like a Hugging Face model on an engine's command line: `org/model`, or the value of its flag."""
    named = [word.partition("=")[2] for word in words if word.startswith(("--model=", "--model-path="))]
    named += [word for before, word in zip(["", *words], words, strict=False) if _may_be_model(before, word)]
    return [word for word in named if _HUB_MODEL.fullmatch(word)]


def _may_be_model(before: str, word: str) -> bool:
    return before in ("--model", "--model-path") or (not before.startswith("-") and not word.startswith("-"))


RULES = (
    Rule(
        number=1,
        id="image-pinned",
        group=Group.SUPPLY_CHAIN,
        reason="An image without a fixed version is another image on the next node.",
        severity=Severity.MANDATORY,
        remediation="Give a version's tag or, where digest is set, the digest that your registry reports.",
        key="engines.<name>.image, images.digests",
        applies=has_pods,
        check=_pinned,
        settings=setting_table(digest=(False, "whether only a digest counts")),
    ),
    Rule(
        number=2,
        id="image-registry",
        group=Group.SUPPLY_CHAIN,
        reason="An image from an unknown registry runs code that nobody scanned, next to the models.",
        severity=Severity.MANDATORY,
        remediation="Mirror the image, or add its registry to registries.",
        key="images.registry, images.mirrors",
        applies=has_pods,
        check=_registry,
        settings=setting_table(registries=(REGISTRIES, "hosts, perhaps with a path; `*` stands for any part")),
    ),
    Rule(
        number=26,
        id="tested-versions",
        group=Group.SUPPLY_CHAIN,
        reason="Versions that were never tested together, or that float, break on a day of their own choosing.",
        severity=Severity.ADVISORY,
        remediation="Pin the version: of a chart, an add-on, the AMI release; take a release line that is tested.",
        key="release",
        applies=_is_versioned,
        check=_versions,
        settings=setting_table(
            releases=(["v0.4", "v0.9"], "release lines that may be deployed"),
            amiReleases=(False, "whether a node group needs a releaseVersion"),
            addons=(False, "whether an EKS add-on needs an addonVersion"),
        ),
    ),
    Rule(
        number=28,
        id="model-source",
        group=Group.SUPPLY_CHAIN,
        reason="Weights without a fixed revision change under the service, and remote code runs with its rights.",
        severity=Severity.ADVISORY,
        remediation="Pass --revision with a commit, serve a copy of your own, or name the model in trustedModels.",
        key="models.<name>.extraArgs",
        applies=has_gpu_pods,
        check=_model,
        settings=setting_table(
            revision=(False, "whether a model of the Hub needs a commit as its revision"),
            trustedModels=([], "models whose own code may run (--trust-remote-code)"),
        ),
        note="Whether a licence was accepted is in no object: gated models ask for it at the download.",
    ),
)
