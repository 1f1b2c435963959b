"""The table of tools that the lab builds, and the key under which each is cached.

One Go module per tool, since their dependency graphs contradict each other.
A tool is data: how it is built is in `build`, what it is used for elsewhere.
"""

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path

from lab.paths import TOOLCHAIN

__all__ = [
    "CONTROL_PLANE",
    "ENGINE",
    "KUBERNETES_PROVIDER_VERSION",
    "SMOKE",
    "TOOLS",
    "Tool",
    "cache_key",
    "tool_environment",
]

KUBERNETES_PROVIDER_VERSION = "4.18.2"
"""The version that the built provider reports; a program under the lab's engine asks for exactly this one."""

_KUBERNETES_VERSION = "v1.34.2"
_PULUMI_VERSION = "v3.225.0"
# A commit on the way to 1.31: Istio tags no Go module that builds as a dependency.
_ISTIO_VERSION = "1.31-alpha.eed52ebb66ad"
_STRIP = "-s -w"
_LAYOUT = 1  # raise it when `build` lays a cached tool out differently


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One thing to build."""

    name: str
    """Shown to the user, and the first half of the cache folder's name."""
    module: Path
    """The folder of its go.mod."""
    version: str
    """Shown to the user; the go.mod is what decides."""
    binaries: tuple[tuple[str, str], ...]
    """Binary name and the package it is built from."""
    ldflags: str = _STRIP
    """Linker flags: stripped, and the versions that the tools report."""
    module_files: tuple[tuple[str, str], ...] = ()
    """(module path, file in that module): data files kept beside the binaries, in `share/`."""
    scripts: tuple[tuple[str, str], ...] = ()
    """Name and text of scripts kept with the binaries."""


_KUBERNETES_LDFLAGS = (
    f"{_STRIP} -X k8s.io/component-base/version.gitVersion={_KUBERNETES_VERSION}"
    " -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"
)
# The engine takes the language host that lies beside it without a warning. The
# host's Python is the checkout's, and the cache is not: so this only passes on.
_LANGUAGE_HOST = """#!/bin/sh
exec "${LAB_LANGUAGE_HOST:?is unset: run pulumi in the environment that python -m lab env prints}" "$@"
"""
# The endpoint pickers of every project are built on this one's library, which also reports the version.
_GAIE = "sigs.k8s.io/gateway-api-inference-extension"
_KWOK_STAGES = ("node/fast/node-initialize", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete")
# Istio's CRDs, and what it makes a Gateway's Deployment and Service of.
_ISTIO_FILES = (
    "base/files/crd-all.gen.yaml",
    "istio-control/istio-discovery/files/kube-gateway.yaml",
    "istio-control/istio-discovery/values.yaml",
)

_ALL = (
    Tool(
        name="etcd",
        module=TOOLCHAIN / "etcd",
        version="v3.6.4",
        binaries=(("etcd", "go.etcd.io/etcd/server/v3"),),
    ),
    Tool(
        name="kubernetes",
        module=TOOLCHAIN / "kubernetes",
        version=_KUBERNETES_VERSION,
        binaries=tuple(
            (name, f"k8s.io/kubernetes/cmd/{name}")
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        ldflags=_KUBERNETES_LDFLAGS,
    ),
    Tool(
        name="kubectl",
        module=TOOLCHAIN / "kubernetes",
        version=_KUBERNETES_VERSION,
        binaries=(("kubectl", "k8s.io/kubernetes/cmd/kubectl"),),
        ldflags=_KUBERNETES_LDFLAGS,
    ),
    Tool(
        name="kwok",
        module=TOOLCHAIN / "kwok",
        version="v0.7.0",
        binaries=(("kwok", "sigs.k8s.io/kwok/cmd/kwok"),),
        module_files=tuple(("sigs.k8s.io/kwok", f"kustomize/stage/{stage}.yaml") for stage in _KWOK_STAGES),
    ),
    Tool(
        name="pulumi",
        module=TOOLCHAIN / "pulumi",
        version=_PULUMI_VERSION,
        binaries=(("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),),
        ldflags=f"{_STRIP} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={_PULUMI_VERSION}",
        module_files=(("github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python-exec"),),
        scripts=(("pulumi-language-python", _LANGUAGE_HOST),),
    ),
    Tool(
        name="pulumi-resource-kubernetes",
        module=TOOLCHAIN / "pulumi-resource-kubernetes",
        version=f"v{KUBERNETES_PROVIDER_VERSION}",
        binaries=(("pulumi-resource-kubernetes", "."),),
    ),
    Tool(
        name="epp-gaie-1.2",
        module=TOOLCHAIN / "epp-gaie-1.2",
        version="v1.2.0",
        binaries=(("epp", f"{_GAIE}/cmd/epp"),),
        ldflags=f"{_STRIP} -X {_GAIE}/version.BuildRef=v1.2.0",
    ),
    Tool(
        name="epp-gaie-1.5",
        module=TOOLCHAIN / "epp-gaie-1.5",
        version="v1.5.0",
        binaries=(("epp", f"{_GAIE}/cmd/epp"),),
        ldflags=f"{_STRIP} -X {_GAIE}/version.BuildRef=v1.5.0",
    ),
    Tool(
        name="llm-d-inference-scheduler",
        module=TOOLCHAIN / "llm-d-inference-scheduler",
        version="v0.7.1",
        binaries=tuple(
            (name, f"github.com/llm-d/llm-d-inference-scheduler/cmd/{name}") for name in ("epp", "pd-sidecar")
        ),
    ),
    Tool(
        name="llm-d-inference-sim",
        module=TOOLCHAIN / "llm-d-inference-sim",
        version="v0.10.2",
        binaries=(("llm-d-inference-sim", "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim"),),
    ),
    Tool(
        name="lws",
        module=TOOLCHAIN / "lws",
        version="v0.7.0",
        binaries=(("lws", "sigs.k8s.io/lws/cmd"),),
        module_files=(("sigs.k8s.io/lws", "config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml"),),
    ),
    Tool(
        name="istiod",
        module=TOOLCHAIN / "istiod",
        version=_ISTIO_VERSION,
        binaries=(("pilot-discovery", "istio.io/istio/pilot/cmd/pilot-discovery"),),
        ldflags=f"{_STRIP} -X istio.io/istio/pkg/version.buildVersion={_ISTIO_VERSION}",
        module_files=tuple(("istio.io/istio", f"manifests/charts/{file}") for file in _ISTIO_FILES),
    ),
)

TOOLS = {tool.name: tool for tool in _ALL}
CONTROL_PLANE = ("etcd", "kubernetes", "kwok")
ENGINE = ("pulumi", "pulumi-resource-kubernetes")
SMOKE = ("llm-d-inference-sim",)
"""What every request is answered with beside Envoy, which is a Python package, and a picker: a simulated engine."""

_GO_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def tool_environment() -> dict[str, str]:
    """What decides a build beside its sources. No cgo, so that one build cache serves every tool."""
    machine = platform.machine().lower()
    return {
        "CGO_ENABLED": "0",
        "GOOS": platform.system().lower(),
        "GOARCH": _GO_MACHINES.get(machine, machine),
    }


def cache_key(tool: Tool) -> str:
    """A hash of all that decides the tool's content: a second checkout with the same files builds nothing."""
    decided_by = {
        "binaries": tool.binaries,
        "environment": tool_environment(),
        "ldflags": tool.ldflags,
        "layout": _LAYOUT,
        "module_files": tool.module_files,
        "scripts": tool.scripts,
    }
    digest = hashlib.sha256(json.dumps(decided_by, sort_keys=True).encode())
    for path in sorted([tool.module / "go.mod", tool.module / "go.sum", *tool.module.glob("*.go")]):
        content = path.read_bytes() if path.exists() else b""
        digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]
