"""What runs in the namespace: a stack comes up, its site is started, each case is run."""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from lab import LabError
from lab.progress import Reporter
from operate.errors import OperateError
from operate.smoke.cases import Case, run_case
from operate.smoke.namespace import enter
from operate.smoke.site import Site
from operate.smoke.stage import stage
from operate.verify.rows import as_data

__all__ = ["main"]


def _run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    reporter = Reporter()
    began = time.monotonic()
    cases = [Case.of(data) for data in request["cases"]]
    with stage(Path(request["stack"]), folder, reporter) as found:
        up = time.monotonic()
        site = Site(found)
        try:
            with reporter.step("pickers, gateway, engines"):
                site.start()
            started = time.monotonic()
            rows = {}
            for case in cases:
                with reporter.step(f"asking: {case.name}") as ticker:
                    rows[case.name] = as_data(run_case(site, case, ticker.tick))
        finally:
            if keep := request.get("keep"):
                shutil.copytree(site.processes.folder, keep, dirs_exist_ok=True)
    seconds = {"up": up - began, "start": started - up, "asked": time.monotonic() - started}
    pickers = [
        {
            "model": picker.model,
            "image": picker.image,
            "ran": picker.built.title,
            "remark": site.remarks.get(picker.model, ""),
            "translation": [{"what": step.what, "why": step.why} for step in picker.built.steps],
        }
        for picker in site.pickers.values()
    ]
    return {"cases": rows, "pickers": pickers, "seconds": {key: round(value, 1) for key, value in seconds.items()}}


def main(request: Path, answer: Path) -> int:
    """Answer one request; a fault that ends the run is an answer, too."""
    enter()
    try:
        result = _run(json.loads(request.read_text()), request.parent)
    except (OperateError, LabError) as error:
        result = {"error": str(error)}
    answer.write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
