"""What `make docs` writes of the policy pack: docs/policies.md from its rules, its data from the catalogue; pure."""

import json
from collections.abc import Iterator

from catalog import INSTANCE_TYPES, PRICES_AS_OF, PRICES_REGION
from operate.workspace import ROOT
from policy import config
from policy.checks import RULES, Rule
from policy.config import RuleConfig

__all__ = ["instance_data", "policies_document"]

_HEAD = f"""# Policies

Written by `make docs` from `policy/checks/`; do not edit.

`make policy STACK=<stack>` previews a stack with Pulumi's engine and judges every resource by these {len(RULES)} rules;
`make policy STACK=<stack> OFFLINE=1` needs neither cluster nor credentials nor state: it is a first preview. Of a
stack on EKS it plans the AWS half too: the lab's engine by its stand-in for AWS, while the official AWS provider, with
LAB_TOOLCHAIN=path, asks AWS who is logged in. `python -m policy.manifests DIR` applies the rules about Kubernetes
objects to any YAML, with `--json`, `--format sarif` or `--format junit`.

- **mandatory** stops preview and update, **advisory** is shown. `policy/dev.json` and `policy/prod.json` say what holds
  in which environment; a stack whose name begins with `prod`, or ends with `-prod` or `-production`, is judged by
  `prod.json`, any other by `dev.json`. Any file of that form can be given: `make policy CONFIG=my.json`, or
  `pulumi preview --policy-pack policy --policy-pack-config my.json`.
- A rule that meets a value which is known only once it is applied says so; `make policy` fails on such a gap in a
  mandatory rule, for what could not be judged has not passed.
- A rule that an environment asks nothing of judges nothing, and counts no subject.
- Prices are on-demand prices of {PRICES_REGION} on {PRICES_AS_OF}: an estimate.

CI for your repository: `examples/ci/`.
"""


def policies_document() -> str:
    """docs/policies.md."""
    dev, prod = (config.read(ROOT / "policy" / f"{name}.json") for name in ("dev", "prod"))
    rows = [
        f"| {rule.number} | [{rule.id}](#{rule.id}) | {rule.group} "
        f"| {dev[rule.id].severity} | {prod[rule.id].severity} | {rule.reason} |"
        for rule in RULES
    ]
    table = ["| # | rule | about | dev | prod | why |", "|---|---|---|---|---|---|", *rows, ""]
    sections = [line for rule in RULES for line in _section(rule, dev[rule.id], prod[rule.id])]
    return "\n".join([_HEAD, *table, *sections])


def _section(rule: Rule, dev: RuleConfig, prod: RuleConfig) -> Iterator[str]:
    yield from (f"## {rule.id}", "", rule.reason, "")
    yield f"- To do: {rule.remediation}"
    yield f"- Key of the stack's config: {_code(rule.key)}"
    yield f"- Looks at {'the whole stack' if rule.across else 'each resource alone'}"
    if rule.note:
        yield f"- {rule.note}"
    yield ""
    if rule.settings:
        yield from ("| setting | meaning | default | dev | prod |", "|---|---|---|---|---|")
        for name, setting in rule.settings.items():
            values = (setting.default, dev.settings[name], prod.settings[name])
            cells = [f"`{json.dumps(value)}`" for value in values]
            said = [cells[0], *("" if cell == cells[0] else cell for cell in cells[1:])]
            yield f"| `{name}` | {setting.meaning} | {' | '.join(said)} |"
        yield ""


def _code(key: str) -> str:
    return key if key.startswith("(") else ", ".join(f"`{part}`" for part in key.split(", "))


def instance_data() -> str:
    """policy/instance_types.json: the pack cannot import the catalogue, for it has to stand alone."""
    rows = {
        name: {
            "gpus": row.gpu_count,
            "efa": row.efa_interfaces,
            "arch": row.architecture,
            "usd_per_hour": None if row.usd_per_hour is None else float(row.usd_per_hour),
        }
        for name, row in INSTANCE_TYPES.items()
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
