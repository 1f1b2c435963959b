"""`python -m operate verify` as an operator runs it, against the site's cluster: its exit code and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from operate.smoke.site import Site
from operate.verify.rows import Row, failed, passed
from operate.workspace import ROOT

__all__ = ["check_verify_command"]

_SECONDS = 120


def check_verify_command(site: Site) -> Iterator[Row]:
    """It finds the cluster by the stack's config and kubectl on PATH, and nothing else of the site is told to it."""
    command = [sys.executable, "-m", "operate", "verify", "--stack", str(site.stage.config), "--json"]
    environment = os.environ | {"PATH": site.stage.lab.environment()["PATH"]}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    try:
        rows = json.loads(done.stdout)["rows"]
    except (ValueError, KeyError):
        yield failed("verify", "the command", f"exit {done.returncode}: {done.stderr.strip()[-300:]}", "no JSON")
        return
    asked = [row for row in rows if row["ok"] is not None]
    faults = [row for row in asked if not row["ok"]]
    seen = f"exit {done.returncode}, {len(asked) - len(faults)} of {len(asked)} checks passed"
    if done.returncode == 0:
        yield passed("verify", "the command", seen)
    else:
        named = "; ".join(f"{row['check']} of {row['subject']}: {row['seen']}" for row in faults)
        yield failed("verify", "the command", f"{seen}: {named}", "; ".join(row["hint"] for row in faults))
