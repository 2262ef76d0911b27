"""A scenario that the page runs: its plan before it begins, its steps as they come, and its findings."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from driver.checks.finding import Finding, Status
from driver.dashboard import jobs as jobs_module
from driver.dashboard.jobs import Jobs
from driver.errors import UsageError
from driver.histories import events as driver
from driver.reference.dashboard import scenario_job as module
from driver.reference.dashboard.model import Model
from driver.reference.dashboard.scenario_job import ScenarioJob
from driver.results.run_folder import VerdictFile, results_root
from tests.waiting import eventually

RUN = "20261124T010203Z-partial_outage"
ENDS = f"print('FAILED: work_is_done failed'); print('report: my results/{RUN}/report.md')"
LASTS = "import time; time.sleep(600)"


def runs(monkeypatch: pytest.MonkeyPatch, code: str, results: Path | None = None) -> ScenarioJob:
    monkeypatch.setattr(jobs_module, "lab_command", lambda: [sys.executable, "-c", code])
    return ScenarioJob(Jobs(), results or results_root(), 1234)


async def over(job: ScenarioJob) -> None:
    await eventually(lambda: not job.is_running, "the end of the run", 90)


async def test_its_words_are_those_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    job = runs(monkeypatch, "")
    started = job.start("partial_outage", True, 8, 3, "mine")
    assert started is not None
    assert started.command == (
        "python lab.py scenario partial_outage --seed 3 --project mine --replace --quick --workers 8 "
        "--port 1234"
    )
    await over(job)


async def test_its_steps_are_to_come_then_on_then_done(monkeypatch: pytest.MonkeyPatch) -> None:
    job, model = runs(monkeypatch, LASTS), Model()
    job.start("partial_outage", True, None, 3, "stormlab")
    before = job.status(model)
    assert before is not None
    assert before["duration_s"] > 0
    (step, *_) = before["steps"]
    assert (step["state"], before["running"], before["findings"]) == ("to come", True, [])
    line = {"by": "driver", "fault": step["id"], "kind": step["fault"], "targets": step["targets"]}
    model.apply(
        driver.FaultBegun(at_ns=10**9, wall_s=1.0, params=msgspec.Raw(b"{}"), planned_ns=10**9, **line)
    )
    on = job.status(model)
    model.apply(driver.FaultEnded(at_ns=2 * 10**9, wall_s=2.0, planned_ns=2 * 10**9, **line))
    done = job.status(model)
    assert on is not None
    assert done is not None
    assert (on["steps"][0]["state"], done["steps"][0]["state"]) == ("on", "done")
    job.stop()
    await over(job)


async def test_its_findings_are_those_of_the_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def read(folder: Path) -> VerdictFile:
        asked.append(folder)
        finding = Finding(check="work_is_done", status=Status.failed, because="3 tasks failed")
        return VerdictFile(
            run=RUN, scenario="partial_outage", verdict="failed", because="work_is_done failed", exit_code=1,
            findings=[finding], notes=[], metrics={},
        )  # fmt: skip

    monkeypatch.setattr(module, "read_verdict", read)
    job = runs(monkeypatch, ENDS, tmp_path)
    started = job.start("partial_outage", True, None, 3, "stormlab")
    assert started is not None
    assert started.words[-2:] == ["--results", str(tmp_path)]
    await over(job)
    for _ in range(3):
        now = job.status(None)
        assert now is not None
        assert (now["verdict"], now["run"]) == ("failed", RUN)
        assert now["findings"] == [{"check": "work_is_done", "status": "failed", "because": "3 tasks failed"}]
    assert asked == [tmp_path / RUN]


async def test_one_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no scenario 'nonsense'"):
        runs(monkeypatch, "").start("nonsense", True, None, 3, "stormlab")
