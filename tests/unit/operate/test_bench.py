"""The benchmark's arithmetic, its rows and its data, on given figures; and that an interrupt leaves nothing.

How fast anything is no test says: `make bench` measures, and a timed test would fail on a busy machine.
"""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from operate.bench.comparison import apply_order, last_available, rounds
from operate.bench.figures import Comparison, Figure, Samples, Side, ratio
from operate.bench.machine import Machine
from operate.bench.policy import added_figure, growth_figure, judging_seconds, resources
from operate.bench.projects import models_config
from operate.bench.report import Report, as_data, comparison_rows, figure_rows, print_machine, print_report
from operate.bench.site import Site, temporary_site
from operate.errors import OperateError
from settings.load import validate
from tests.support.processes import ends

MACHINE = Machine(
    cores=2,
    memory_gib=23.5,
    load=0.74,
    system="Linux x86_64",
    python="3.11.7",
    pulumi="3.225.0",
    kubernetes_sdk="4.34.2",
    kubernetes_provider="4.18.2",
    kubernetes="1.34.2",
)
LAB = Figure(key="lab", title="lab", includes="pods", target_seconds=5, samples=Samples((3.5,)))
PREVIEW = Figure(
    key="preview",
    title="preview",
    includes="nothing to do",
    target_seconds=3,
    samples=Samples((3.5, 3.0, 3.25)),
    floor=Samples((1.5, 1.0, 1.3)),
)
COMPARISON = Comparison(
    models=10,
    objects=136,
    deployments=21,
    pulumi=Side(
        key="pulumi",
        title="pulumi up",
        includes="waits",
        samples=Samples((30.0, 20.0)),
        available=Samples((16.0, 14.0)),
    ),
    kubectl=Side(
        key="kubectl",
        title="kubectl",
        includes="no state",
        samples=Samples((5.0, 5.0)),
        available=Samples((4.0, 6.0)),
    ),
)
REPORT = Report(machine=MACHINE, figures=(LAB, PREVIEW), comparison=COMPARISON, load_after=1.5)


def test_samples_quote_median_minimum_and_maximum() -> None:
    """An odd number of runs has a run as its median, an even one the mean of the two in the middle."""
    odd, even = Samples((3.5, 3.0, 3.25)), Samples((4.0, 1.0, 2.0, 3.0))

    assert (odd.minimum, odd.median, odd.maximum) == (3.0, 3.25, 3.5)
    assert (even.minimum, even.median, even.maximum) == (1.0, 2.5, 4.0)


def test_no_runs_are_no_figure() -> None:
    """A figure that nothing was measured for cannot be made."""
    with pytest.raises(ValueError, match=r"^a figure needs at least one run$"):
        Samples(())


def test_a_ratio_is_of_medians() -> None:
    """One slow run moves neither side of a ratio."""
    assert ratio(Samples((9.0, 2.0, 3.0)), Samples((1.0, 1.5, 40.0))) == 2.0
    assert PREVIEW.floor_ratio == 2.5
    assert LAB.floor_ratio is None


@pytest.mark.parametrize(("seconds", "over"), [(2.99, False), (3.0, False), (3.01, True)])
def test_over_is_above_the_target(seconds: float, *, over: bool) -> None:
    """A target is met by what equals it; the median is what counts."""
    figure = Figure(key="k", title="t", includes="i", target_seconds=3, samples=Samples((0.1, seconds, 99.0)))

    assert figure.over is over


def test_rows_of_figures() -> None:
    """A single run has no range, a figure without a floor no ratio, and only what is over its target is marked."""
    assert figure_rows(REPORT.figures) == [
        ("lab", "<= 5 s", "3.50 s", "-", "1", "-", "-", ""),
        ("preview", "<= 3 s", "3.25 s", "3.00-3.50", "3", "1.30 s", "2.5 x", "over"),
    ]


def test_rows_of_the_comparison() -> None:
    """The ratio is a multiple of kubectl's median, until the commands returned."""
    assert comparison_rows(COMPARISON) == [
        ("pulumi up", "25.00 s", "20.00-30.00", "5.0 x", "15.0 s"),
        ("kubectl", "5.00 s", "5.00-5.00", "1.0 x", "5.0 s"),
    ]


def test_data_for_programs() -> None:
    """`--json` has every run and names each figure by a key that does not change with the wording."""
    assert as_data(REPORT) == {
        "machine": {
            "cores": 2,
            "memoryGib": 23.5,
            "load": 0.74,
            "loadAfter": 1.5,
            "system": "Linux x86_64",
            "python": "3.11.7",
            "pulumi": "3.225.0",
            "kubernetesSdk": "4.34.2",
            "kubernetesProvider": "4.18.2",
            "kubernetes": "1.34.2",
        },
        "figures": {
            "lab": {
                "title": "lab",
                "includes": "pods",
                "targetSeconds": 5,
                "overTarget": False,
                "seconds": {"runs": [3.5], "min": 3.5, "median": 3.5, "max": 3.5},
                "floorSeconds": None,
                "floorRatio": None,
            },
            "preview": {
                "title": "preview",
                "includes": "nothing to do",
                "targetSeconds": 3,
                "overTarget": True,
                "seconds": {"runs": [3.5, 3.0, 3.25], "min": 3.0, "median": 3.25, "max": 3.5},
                "floorSeconds": {"runs": [1.5, 1.0, 1.3], "min": 1.0, "median": 1.3, "max": 1.5},
                "floorRatio": 2.5,
            },
        },
        "comparison": {
            "models": 10,
            "objects": 136,
            "deployments": 21,
            "ratio": 5.0,
            "pulumi": {
                "title": "pulumi up",
                "includes": "waits",
                "seconds": {"runs": [30.0, 20.0], "min": 20.0, "median": 25.0, "max": 30.0},
                "availableSeconds": {"runs": [16.0, 14.0], "min": 14.0, "median": 15.0, "max": 16.0},
            },
            "kubectl": {
                "title": "kubectl",
                "includes": "no state",
                "seconds": {"runs": [5.0, 5.0], "min": 5.0, "median": 5.0, "max": 5.0},
                "availableSeconds": {"runs": [4.0, 6.0], "min": 4.0, "median": 5.0, "max": 6.0},
            },
        },
    }


def test_the_line_of_a_machine() -> None:
    """One line says where the figures were measured and with which versions."""
    assert MACHINE.line == (
        "2 cores, 24 GiB, load 0.7, Linux x86_64; Python 3.11.7, pulumi 3.225.0, Kubernetes 1.34.2,"
        " provider 4.18.2, its SDK 4.34.2"
    )


def test_what_a_reader_sees() -> None:
    """The machine stands first, and in 80 columns no figure is cut or wrapped."""
    output = io.StringIO()
    console = Console(file=output, width=80, soft_wrap=True, highlight=False)
    print_machine(MACHINE, console)
    print_report(REPORT, console)
    lines = [line.rstrip() for line in output.getvalue().splitlines()]

    assert lines[:5] == [
        MACHINE.line,
        "",
        "         TARGET  MEDIAN    MIN-MAX  RUNS   FLOOR  RATIO",
        "lab      <= 5 s  3.50 s          -     1       -      -",
        "preview  <= 3 s  3.25 s  3.00-3.50     3  1.30 s  2.5 x  over",
    ]
    heading = "10 models of 2 replicas: 136 objects with 21 Deployments. Rounds each: 2, who is first in turn"
    assert f"{heading}, a fresh namespace every time" in lines
    assert "pulumi up  25.00 s  20.00-30.00  5.0 x     15.0 s" in lines
    assert lines[-1] == "load 0.7 before, 1.5 after; over: median above the target"


def test_pairs_alternate() -> None:
    """Neither side is always the second on a fuller cluster."""
    assert rounds(3) == [("pulumi", "kubectl"), ("kubectl", "pulumi"), ("pulumi", "kubectl")]


def test_kubectl_gets_its_objects_in_an_order_that_does_not_slow_it() -> None:
    """Namespace and accounts first, Deployments last, as a careful user of kubectl would have them."""
    kinds = ("Service", "Deployment", "ServiceAccount", "ConfigMap", "Namespace", "Role")
    manifests = [{"kind": kind, "metadata": {"name": "a"}} for kind in kinds]

    ordered = [manifest["kind"] for manifest in sorted(manifests, key=apply_order)]
    assert ordered == ["Namespace", "ServiceAccount", "ConfigMap", "Role", "Service", "Deployment"]


def _deployment(name: str, status: str, since: str) -> dict[str, object]:
    conditions = [
        {"type": "Progressing", "status": "True", "lastTransitionTime": "2030-01-01T00:00:00Z"},
        {"type": "Available", "status": status, "lastTransitionTime": since},
    ]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def test_the_last_available_deployment_counts() -> None:
    """Of each Deployment the Available condition is read and no other."""
    first = _deployment("a", "True", "1970-01-01T00:01:40Z")
    last = _deployment("b", "True", "1970-01-01T00:01:42Z")

    assert last_available([first, last]) == 102.0


def test_a_deployment_that_is_not_available_spoils_the_figure() -> None:
    """A side that returned too early has no figure, and neither has one that made nothing."""
    items = [_deployment("a", "True", "1970-01-01T00:01:40Z"), _deployment("b", "False", "1970-01-01T00:01:40Z")]

    with pytest.raises(OperateError, match=r"^not Available when the command had returned: b$"):
        last_available(items)
    with pytest.raises(OperateError, match=r"^not Available when the command had returned: no Deployment there$"):
        last_available([])


def test_the_stack_of_many_models_is_a_valid_one() -> None:
    """Ten models of two GPUs fit on the pool, whose size follows from them."""
    config = models_config("bench", 10, "/nowhere/kubeconfig")
    settings = validate({key.removeprefix("llm-d:"): value for key, value in config.items()})

    assert sorted(settings.models) == [f"model-{number:02d}" for number in range(10)]
    assert settings.gpu_pools["h100"].max_size == 3
    assert settings.namespace == "bench"


def test_a_command_that_fails_is_an_error_with_its_words() -> None:
    """There is no figure for a command that failed."""
    with (
        temporary_site() as site,
        pytest.raises(
            OperateError, match=r"^`sh -c echo out; echo why >&2; exit 3` failed, so there is no figure:\nout\nwhy\n$"
        ),
    ):
        site.run(["sh", "-c", "echo out; echo why >&2; exit 3"])


def test_a_command_is_timed_and_its_output_kept() -> None:
    """The time is the command's own, in the site's folder."""
    with temporary_site() as site:
        outcome = site.run(["sh", "-c", "sleep 0.2; pwd"])

    assert outcome.output == f"{site.root}\n"
    assert 0.2 <= outcome.seconds < 10


def test_an_error_leaves_no_folder() -> None:
    """The site is removed whatever ends the run."""
    sites: list[Site] = []

    def fail() -> None:
        with temporary_site() as site:
            sites.append(site)
            (site.root / "file").write_text("")
            raise OperateError("stop")

    with pytest.raises(OperateError, match=r"^stop$"):
        fail()
    assert not sites[0].root.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_and_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end the command that runs, with what it started in sessions of their own, and the folder."""
    program = (
        "import signal\n"
        "from operate.bench.site import temporary_site\n"
        # A shell in the background starts its children with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with temporary_site() as site:\n"
        "    site.run(['sh', '-c', 'setsid sleep 600 & echo $! > child; sleep 600'])\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL) as process:
        children: list[Path] = []
        deadline = time.monotonic() + 30
        while not (children and children[0].read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
            children = list(tmp_path.glob("llm-d-bench-*/child"))
        child = int(children[0].read_text())
        process.send_signal(number)
        process.wait(30)

    assert ends(child, 10)
    assert list(tmp_path.iterdir()) == []


def test_what_the_policy_pack_adds_is_a_difference_pair_by_pair() -> None:
    """Each judged preview is held against the one beside it, and noise does not make it negative."""
    figure = added_figure([4.0, 3.0, 5.0], [2.5, 3.5, 3.0])

    assert (figure.samples.runs, figure.target_seconds, figure.over) == ((1.5, 0.0, 2.0), 2.0, False)


def test_linear_growth_is_a_ratio_of_one() -> None:
    """Ten times the resources are held against ten times the seconds of the few."""
    figure = growth_figure([5.0], [0.5])

    assert (figure.floor_ratio, figure.floor) == (1.0, Samples((5.0,)))


def test_many_resources_are_copies_of_models_under_names_of_their_own(tmp_path: Path) -> None:
    """No two are the same object, what all models share is left out, and every rule about servers has its subjects."""
    file = tmp_path / "models.yaml"
    labels = {"llm-d.ai/model": "model-00"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    models = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "model-00", "namespace": "n"},
        "spec": {"template": pod},
    }
    gateway = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gateway", "namespace": "n"}}
    file.write_text(yaml.safe_dump_all([models, gateway]))

    found = resources(file, 3)

    assert [item["metadata"]["name"] for item in found] == ["copy-0-00", "copy-1-00", "copy-2-00"]
    assert found[1]["spec"]["template"]["metadata"]["labels"] == {"llm-d.ai/model": "copy-1-00"}
    assert judging_seconds(found) > 0
