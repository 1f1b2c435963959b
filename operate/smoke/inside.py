"""What runs in the namespace: a stack comes up, its site is started, each case is run."""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import LabError
from lab.progress import Reporter
from operate.errors import OperateError
from operate.smoke.cases import Case, run_case
from operate.smoke.namespace import enter
from operate.smoke.site import Site
from operate.smoke.stage import stage
from operate.smoke.translation import Step
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
        _ran(model, item.image, item.built.title, item.built.differences) | {"remark": site.remarks.get(model, "")}
        for model, item in site.pickers.items()
    ]
    sidecars = [
        _ran(model, item.image, item.built.title, item.built.steps)
        for model, item in site.simulators.sidecars().items()
    ]
    rounded = {key: round(value, 1) for key, value in seconds.items()}
    return {"cases": rows, "pickers": pickers, "sidecars": sidecars, "seconds": rounded}


def _ran(model: str, image: str, title: str, steps: Sequence[Step]) -> dict[str, Any]:
    """What ran in the place of an image."""
    translation = [{"what": step.what, "why": step.why} for step in steps]
    return {"model": model, "image": image, "ran": title, "translation": translation}


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
