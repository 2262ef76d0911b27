"""`lab.py replay` runs a plan as `scenario` did: with its run without faults before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from driver.cli import replay
from driver.cli.main import run as lab
from driver.histories.history import EMPTY
from driver.judging.verdict import judge
from driver.metrics import Metrics
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import PLAN, SCENARIO
from driver.runs import fault_free
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import Plan
from driver.terminal import Terminal
from tests.driver.runs.test_fault_free import FINDINGS, plan, record


@dataclass
class Subject:
    """The system of a plan."""

    plan: Plan


def test_the_replay_of_a_plan_with_controls_makes_the_run_without_faults_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "20261124T021500Z-s"
    folder.mkdir()
    (folder / PLAN).write_text(plan().to_json())
    (folder / SCENARIO).write_text("# c\n")
    ran: list[tuple[RunRequest, object]] = []

    @contextmanager
    def system_in_run(*more: object) -> Iterator[Callable[[Plan], object]]:
        yield Subject

    async def run(request: RunRequest, subject: object, terminal: Terminal) -> JudgedRun:
        ran.append((request, subject))
        return JudgedRun(folder, record(None, controls=False), EMPTY, Metrics({}, {}), judge(FINDINGS))

    monkeypatch.setattr(replay, "system_in_run", system_in_run)
    monkeypatch.setattr(replay, "find_run", lambda name: folder)
    monkeypatch.setattr(replay, "show_summary", lambda *more: None)
    monkeypatch.setattr(fault_free, "run", run)
    monkeypatch.setattr(fault_free, "was_interrupted", lambda judged: False)
    lab(["replay", folder.name, "--results", str(tmp_path)])
    assert [bool(request.plan.faults) for request, _ in ran] == [False, True]
    assert [subject for _, subject in ran] == [Subject(request.plan) for request, _ in ran]
    assert ran[1][0].fault_free is not None
