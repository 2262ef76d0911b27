"""Claims about faults of a trial, one at a time, on a system of doors in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driver.errors import LabError
from driver.labs.fault_runner import FaultRunner
from driver.scenarios.plan import PlannedFault
from driver.systems.lab_of_system import StartedSystem
from driver.systems.system_site import SystemSite
from driver.trial import step_faults
from driver.trial.doors_subject import DoorsSubject
from driver.trial.programme import KINDS, NothingToHitError, TrialStep
from driver.trial.step_faults import StepFaults
from tests.driver.systems.test_system_site import running

CUT = PlannedFault(
    id="try-1", entry="cut api->db:5432", fault="cut", params={}, targets=("api[1]->db:5432",), at_s=0.0,
    for_s=None, seed=1,
)  # fmt: skip


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[StepFaults]:
    found = StepFaults(SystemSite(running(tmp_path)))
    (tmp_path / "journals" / "prober").mkdir()
    yield found
    found.close()


def test_faults_that_are_closed_can_be_closed_again(tmp_path: Path) -> None:
    faults = StepFaults(SystemSite(running(tmp_path)))
    faults.close()
    faults.close()


def test_what_ends_the_work_of_a_fault_is_raised_as_it_begins_and_not_at_its_end(
    faults: StepFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: FaultRunner, zero_ns: int) -> None:
        raise LabError("The journal is full.")

    monkeypatch.setattr(FaultRunner, "run", fail)
    monkeypatch.setattr(step_faults, "background", lambda *work: _Background(work))
    with pytest.raises(LabError, match="full"):
        faults.begin(CUT)
    faults.end()


def test_no_work_is_left_when_faults_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: FaultRunner, zero_ns: int) -> None:
        raise LabError("The journal is full.")

    monkeypatch.setattr(FaultRunner, "run", fail)
    monkeypatch.setattr(step_faults, "background", lambda *work: _Background(work))
    faults = StepFaults(SystemSite(running(tmp_path)))
    (tmp_path / "journals" / "prober").mkdir()
    with pytest.raises(LabError, match="full"):
        faults.begin(CUT)
    faults.close()
    del faults
    gc.collect()
    assert "destroyed" not in caplog.text


class _Background:
    """Work in the background that is not done."""

    def __init__(self, work: Any) -> None:
        for one in work:
            one.close()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def subject(folder: Path) -> DoorsSubject:
    """A subject whose system cannot be started again."""

    def fail(*_: object) -> StartedSystem:
        raise LabError("No room is left.")

    lab = SimpleNamespace(down=lambda: None, up=fail)
    none = cast(Any, None)
    return DoorsSubject(cast(Any, lab), lambda: running(folder), none, none, none, None, print)


def test_a_fresh_start_that_fails_keeps_each_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        StepFaults,
        "records",
        lambda self: step_faults.FaultRecords([], {"api[1]->db:5432": [_connection()]}, ["a"]),
    )
    found = subject(tmp_path)
    with pytest.raises(LabError, match="No room"):
        found.start_again()
    records = found.records()
    assert (len(records.connections["api[1]->db:5432"]), records.incomplete) == (1, ["a"])
    found.close()


def _connection() -> Any:
    return SimpleNamespace(asked_ns=1, client_ended_ns=0, server_ended_ns=0)


def test_a_pair_without_a_client_that_runs_has_nothing_to_hit(tmp_path: Path) -> None:
    found = subject(tmp_path)
    with pytest.raises(NothingToHitError, match="no client of seed->db:5432 runs"):
        found.begin(TrialStep(KINDS[0], "seed->db:5432"))
    found.close()
