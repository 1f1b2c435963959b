"""Rules that only the source can break: what stands inside `apply`, who builds providers, what is never skipped.

What these tests cannot prove: that a function which reaches `apply` through a variable, or by way of another module,
keeps the rules; none does today.
"""

import ast
from pathlib import Path

import pytest

from operate.workspace import ROOT

SOURCES = sorted(path for folder in ("components", "stacks") for path in (ROOT / folder).rglob("*.py"))
CREATES = frozenset({"create", "create_all", "create_aws", "create_all_aws", "CustomResource", "ComponentResource"})


def _name(node: ast.expr) -> str:
    """The last part of a called name: `kubernetes.core.v1.Secret` is `Secret`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _applied(tree: ast.Module) -> list[ast.AST]:
    """The bodies that run inside `apply`: lambdas and functions of the module that are passed to it."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    passed = [argument for call in _calls(tree) if _name(call.func) == "apply" for argument in call.args]
    return [functions.get(_name(argument), argument) for argument in passed]


def _problems(tree: ast.Module) -> list[str]:
    found = []
    for body in _applied(tree):
        if not isinstance(body, ast.Lambda | ast.FunctionDef):
            found.append(f"apply gets {ast.unparse(body)}, which cannot be looked into")
        found += ["raise inside apply" for node in ast.walk(body) if isinstance(node, ast.Raise)]
        names = [_name(call.func) for call in _calls(body)]
        found += [f"{name} inside apply" for name in names if name in CREATES or name[:1].isupper()]
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_nothing_is_created_or_raised_inside_apply() -> None:
    """What happens inside `apply` is in no preview, so no resource and no refusal may be there."""
    assert {_of(path): problems for path in SOURCES if (problems := _problems(_tree(path)))} == {}


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("x.apply(lambda v: v['name'])", []),
        ("x.apply(lambda v: Secret(v))", ["Secret inside apply"]),
        ("x.apply(lambda v: create('a', v))", ["create inside apply"]),
        ("x.apply(lambda v: create_aws('t', 'a', v, o))", ["create_aws inside apply"]),
        ("x.apply(lambda v: create_all_aws('a', v, self))", ["create_all_aws inside apply"]),
        ("def f(v):\n    raise ValueError\nx.apply(f)", ["raise inside apply"]),
        ("def f(v):\n    return k8s.core.v1.Secret(v)\nx.apply(f)", ["Secret inside apply"]),
        ("x.apply(other.f)", ["apply gets other.f, which cannot be looked into"]),
    ],
)
def test_the_rule_sees_what_it_forbids(source: str, problems: list[str]) -> None:
    """The check that guards the sources finds each thing that it is there for."""
    assert _problems(ast.parse(source)) == problems


def test_only_one_module_builds_providers() -> None:
    """Components take the provider that they are given; the stack's one place makes it."""
    building = [
        _of(path)
        for path in SOURCES
        if any(_name(call.func) in {"Provider", "ProviderResource"} for call in _calls(_tree(path)))
    ]

    assert building == ["stacks/provider.py"]


def test_no_wait_is_skipped() -> None:
    """A slow model gets a longer deadline, never an annotation that stops waiting."""
    assert [_of(path) for path in SOURCES if "skipawait" in path.read_text().casefold().replace("_", "")] == []


def _packages(tree: ast.Module) -> set[str]:
    """Top-level packages that a module imports from anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("package", "modules"),
    [
        (
            "pulumi_kubernetes",
            ["components/objects.py", "stacks/cluster_layer.py", "stacks/deployment.py", "stacks/provider.py"],
        ),
        ("pulumi_aws", ["components/aws_resources.py", "stacks/provider.py"]),
    ],
)
def test_only_one_module_turns_data_into_resources(package: str, modules: list[str]) -> None:
    """Every object passes `components/objects.py`, and every resource of AWS `components/aws_resources.py`.

    So builders, goldens and policies judge the same data; `stacks/` makes providers and charts.
    """
    assert [_of(path) for path in SOURCES if package in _packages(_tree(path))] == modules


def test_every_component_has_a_literal_token_of_three_parts() -> None:
    """A type token is identity in every state: written out, under `llmd:index`, and called as its class."""
    tokens = {}
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and "ComponentResource" in map(_name, node.bases):
                inits = [call for call in _calls(node) if _name(call.func) == "__init__"]
                tokens[node.name] = [ast.literal_eval(call.args[0]) for call in inits]

    assert tokens == {name: [f"llmd:index:{name}"] for name in tokens}
    assert sorted(tokens) == [
        "Autoscaler",
        "ClusterLayer",
        "CustomResourceDefinitions",
        "EfaDevicePlugin",
        "EksCluster",
        "EndpointPicker",
        "GpuNodePool",
        "HttpRoute",
        "InferenceGateway",
        "KarpenterNodePool",
        "ModelCache",
        "ModelService",
        "Network",
        "NvidiaDevicePlugin",
        "PlatformLayer",
        "RenderPool",
        "ServingLayer",
    ]


def test_children_never_take_the_components_own_options() -> None:
    """`opts` goes to `super().__init__` alone: merged into a child it would take the child out of the component."""
    using = {}
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and "ComponentResource" in map(_name, node.bases):
                uses = [item for item in ast.walk(node) if isinstance(item, ast.Name) and item.id == "opts"]
                using[node.name] = len(uses)

    assert using == dict.fromkeys(using, 1)
