"""Claims about docs/extending.md: its examples, in a copy of the repository, are all that is needed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "extending.md"
EXAMPLE = re.compile(r"^\*\*`([\w/.]+)`\*\* \((new|at the end)\)\n\n```python\n(.*?)^```$", re.M | re.S)
LIMIT_S = 120.0

SCENARIO = """\
# A slow last mile disconnects no worker.
#
# Heartbeats are small and overtake bulk.
workers: 4
duration: 30s
worker: {policy: linear}
workload:
  rate: 5/s
  kinds:
    - {kind: echo, params: {text: hello}}
timeline:
  - {fault: slow_download, rate: 32KB/s, targets: "1-2", at: 10s, for: 10s}
expect:
  - attempts_refused_ratio <= 10%
checks:
  - {handshakes_were_quick: {at_most_s: 3}}
"""

SEES = """\
import json
import random

import numpy as np

from chaos.catalogue import make
from driver.dashboard.forms import catalogue
from driver.forensics.policies import PriorAttempts, bounds
from driver.loads.catalogue import read_loads
from driver.metrics import measure
from driver.reference.advice import advise
from tests.chaos.test_rules import UNTOUCHED, seen
from driver.claims import parse_claim
from tests.driver.judge.findings import found, value
from tests.driver.claims.system_past import SystemPast
from tests.driver.judge.histories import healthy_herd
from wire.policies import POLICIES, PolicyAdvice
from worker.tasks import kind_named

past = healthy_herd()
history = past.history()
metrics = measure(history)
metrics.values["queue_depth_max"] = 6_000.0
linear = POLICIES["linear"]
third = PriorAttempts(np.array([3.0]), np.array([0.0]), np.array([np.nan]))
fault = make("slow_download", {"rate": "32KB/s"})


class Runner:
    def done(self, token: int, output: bytes, error: str) -> None:
        self.output = output.decode()


def past_of(*numbers: int) -> SystemPast:
    past = SystemPast()
    past.table(["seq"], [[one] for one in numbers])
    return past


runner = Runner()
kind_named("echo").begin(b'{"text": "hello"}', 1, None, runner)
delays_ms = [linear.delay_ms(3, 0.0, PolicyAdvice(100, 10_000), random.Random(n)) for n in range(200)]
print(json.dumps({
    "forms": [one["name"] for one in catalogue()],
    "proved": fault.observed(seen(rates_bytes_per_s=(31_500.0, 32_000.0))).seen,
    "proved_of_nothing": fault.observed(UNTOUCHED).seen,
    "statuses": [found("handshakes_were_quick", past, at_most_s=bound_s).status for bound_s in (60, 0)],
    "claims": [
        parse_claim("stored.seq without gap").judge(past_of(*numbers).history()).status
        for numbers in ((1, 2, 3), (1, 3), ())
    ],
    "metric": value("attempts_refused_ratio", past),
    "advice": [one.name for one in advise(history, metrics)],
    "delays_ms": [min(delays_ms), max(delays_ms)],
    "bounds_s": [float(one[0]) for one in bounds(linear, third, np.array(0.1), np.array(10.0))],
    "output": runner.output,
    "load": read_loads({"tcp": "redis:6379", "rate": "2/s"})["load"].expected(30.0),
}))
"""
GENERIC = (
    "tests/chaos/test_catalogue.py", "tests/chaos/test_rules.py", "tests/driver/test_fault_names.py",
    "tests/driver/dashboard/test_forms.py", "tests/driver/scenario/test_generated.py",
    "tests/driver/judge/test_checks_lab.py", "tests/driver/judge/test_metrics.py",
    "tests/driver/judge/test_advice.py", "tests/worker/test_policies.py", "tests/worker/test_tasks.py",
    "tests/worker/test_reconnect_model.py", "tests/driver/forensics/test_policies.py", "tests/test_docs.py",
)  # fmt: skip
SELECTED = (
    *("slow_download", "handshakes_were_quick", "Handshakes", "linear", "test_the_schema", "is_current"),
    *("test_every_fault", "every_delay_is_on", "the_worker_runs_each_kind", "unit_of_times"),
)
"""Of the generic tests those that are about the examples, or about all of a kind at once."""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S
    )


def _left_out(folder: str, names: list[str]) -> list[str]:
    whole = ("results", "build") if Path(folder) == ROOT else ()
    return [name for name in names if name.startswith(".") or name in ("__pycache__", *whole)]


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with every example in its file, and the pages written."""
    folder = tmp_path_factory.mktemp("extending") / "copy"
    shutil.copytree(ROOT, folder, ignore=_left_out)
    for name, how, text in EXAMPLE.findall(PAGE.read_text()):
        assert (folder / name).exists() == (how == "at the end"), name
        with (folder / name).open("a") as file:
            file.write(text if how == "new" else f"\n\n{text}")
    done = run(folder, "-m", "docs.generate")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def seen(extended: Path) -> dict[str, Any]:
    """What the code of the copy does with the examples."""
    done = run(extended, "-c", SEES)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_table_counts_the_files_of_each_example() -> None:
    page = PAGE.read_text()
    rows = re.findall(r"^\| \[[^\]]+\]\(#([\w-]+)\) \| (\d+) \|", page, re.M)
    assert len(rows) == 8
    sections = {text.partition("\n")[0]: text for text in page.split("\n## ")}
    for anchor, count in rows:
        (title,) = (title for title in sections if title.lower().replace(" ", "-") == anchor)
        assert len(EXAMPLE.findall(sections[title])) == int(count), title


def test_the_files_that_the_page_names_are_there(extended: Path) -> None:
    for name in re.findall(r"`(\w+/(?:[\w/]*\.\w+|[\w/]*/)?)`", PAGE.read_text()):
        assert "name." in name or (extended / name).exists(), name


def test_the_examples_are_in_the_style_of_the_repository(extended: Path) -> None:
    files = [name for name, _, _ in EXAMPLE.findall(PAGE.read_text())]
    for words in (("check",), ("format", "--check")):
        done = run(extended, "-m", "ruff", *words, *files)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("slow_download", ("docs/faults.md", "scenarios/schema.json")),
        ("handshakes_were_quick", ("docs/metrics.md",)),
        ("OBSERVATION.COLUMN without gap", ("docs/checks.md",)),
        ("attempts_refused_ratio", ("docs/metrics.md",)),
        ("linear", ("docs/settings.md", "scenarios/schema.json")),
        ("echo", ("docs/settings.md", "scenarios/schema.json")),
        ("tcp", ("docs/loads.md",)),
    ],
)
def test_pages_and_schema_follow(extended: Path, name: str, files: tuple[str, ...]) -> None:
    for file in files:
        assert re.search(rf'[`"]{name}[`"]', (extended / file).read_text()), file


def test_the_help_of_the_fault_follows(extended: Path) -> None:
    done = run(extended, "lab.py", "inject", "slow_download", "--help")
    assert done.returncode == 0, done.stderr
    assert "--rate" in done.stdout
    assert "Bytes to the worker come at no more than a rate." in done.stdout


def test_a_scenario_may_name_all_of_them(extended: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    done = run(extended, "lab.py", "validate", str(tmp_path / "mine.yaml"))
    assert "mine.yaml: good, 1 fault" in done.stdout, done.stdout + done.stderr


def test_the_form_of_the_dashboard_offers_the_fault(seen: dict[str, Any]) -> None:
    assert "slow_download" in seen["forms"]


def test_the_fault_is_proved_by_its_effect_alone(seen: dict[str, Any]) -> None:
    assert seen["proved"]
    assert not seen["proved_of_nothing"]


def test_the_check_judges_a_history(seen: dict[str, Any]) -> None:
    assert seen["statuses"] == ["passed", "failed"]


def test_the_claim_judges_a_history(seen: dict[str, Any]) -> None:
    assert seen["claims"] == ["passed", "failed", "unknown"]


def test_a_workload_may_name_the_load(seen: dict[str, Any]) -> None:
    assert seen["load"] == 60


def test_the_metric_is_measured(seen: dict[str, Any]) -> None:
    assert 0 <= seen["metric"] <= 1


def test_the_advice_is_given(seen: dict[str, Any]) -> None:
    assert "queue_nearly_full" in seen["advice"]


def test_the_policy_and_its_distribution_are_one(seen: dict[str, Any]) -> None:
    assert seen["bounds_s"] == pytest.approx([0.0, 0.3])
    assert 0 <= seen["delays_ms"][0] < 20
    assert 280 < seen["delays_ms"][1] <= 300


def test_a_worker_runs_the_task(seen: dict[str, Any]) -> None:
    assert seen["output"] == '"hello"'


def test_the_tests_that_hold_for_all_of_a_kind_hold_for_the_examples(extended: Path) -> None:
    selected = " or ".join(SELECTED)
    done = run(extended, "-m", "pytest", "-q", "-rp", "-p", "no:cacheprovider", *GENERIC, "-k", selected)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.findall(r"^PASSED (.*)$", done.stdout, re.M)
    # As `-k`, without regard to case.
    assert [word for word in SELECTED if not any(word.lower() in one.lower() for one in passed)] == []
