"""The verdict on a run is shown as soon as it is there; what the teardown leaves is said after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from driver.errors import LabError
from driver.labs.take_down import RemovedLab
from driver.report.write import MARKDOWN
from driver.results.judged_run import JudgedRun
from driver.runs import run as run_module
from driver.runs.run_phases import RunPhases
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunFacts, RunSubject
from driver.terminal import Terminal
from tests.driver.runs.test_fault_free import plan


class _Phases(RunPhases):
    """A run that is over at once; the lab broke in it where `broken` says why."""

    broken: LabError | None = None

    async def execute(self) -> LabError | None:
        return self.broken

    async def cleanup(self) -> None:
        self._journal.close()

    async def save_logs(self) -> None: ...


class _Subject:
    """A system whose teardown takes until its verdict was shown, and which then leaves something."""

    def __init__(self, left: Sequence[str] = ()) -> None:
        self.left = left
        self.goes_down = asyncio.Event()

    async def prepare(self) -> RunFacts:
        return RunFacts({}, {}, [])

    async def take_down(self) -> RemovedLab:
        await asyncio.wait_for(self.goes_down.wait(), 10.0)
        return RemovedLab(1, list(self.left))

    def interrupt(self) -> None: ...


async def run(
    tmp_path: Path, subject: _Subject, show: Callable[[JudgedRun], None], **changed: Any
) -> JudgedRun:
    request = RunRequest(plan(), "# c\n", tmp_path, show=show, **changed)
    return await run_module.run(request, cast(RunSubject, subject), Terminal())


@pytest.fixture(autouse=True)
def _phases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "RunPhases", _Phases)


async def test_a_verdict_is_shown_before_its_reports_are_made_and_before_the_system_is_down(
    tmp_path: Path,
) -> None:
    subject, shown = _Subject(), list[tuple[JudgedRun, bool]]()

    def show(judged: JudgedRun) -> None:
        shown.append((judged, (judged.folder / MARKDOWN).exists()))
        subject.goes_down.set()

    judged = await run(tmp_path, subject, show)
    assert shown == [(judged, False)]
    assert (judged.folder / MARKDOWN).exists()


async def test_what_a_teardown_leaves_is_an_error_after_the_verdict(tmp_path: Path) -> None:
    subject, shown = _Subject(["worker-1"]), list[JudgedRun]()

    def show(judged: JudgedRun) -> None:
        shown.append(judged)
        subject.goes_down.set()

    with pytest.raises(LabError, match="Still there after taking the lab down: worker-1"):
        await run(tmp_path, subject, show)
    assert len(shown) == 1


async def test_of_a_lab_that_broke_no_verdict_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Phases, "broken", LabError("It broke."))
    subject, shown = _Subject(), list[JudgedRun]()
    subject.goes_down.set()
    with pytest.raises(LabError, match=r"It broke\."):
        await run(tmp_path, subject, shown.append)
    assert shown == []


async def test_without_reports_the_verdict_is_shown_all_the_same(tmp_path: Path) -> None:
    subject, shown = _Subject(), list[JudgedRun]()
    subject.goes_down.set()
    judged = await run(tmp_path, subject, shown.append, report=False)
    assert shown == [judged]
    assert not (judged.folder / MARKDOWN).exists()
