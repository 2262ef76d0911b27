"""A run leaves a lab as whole as the one it found, and asks before it replaces a lab that is up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from driver.cli.reference import run_lab
from driver.cli.reference.run_lab import lab_for_run
from driver.engines.engine import MONITORS, Engine, LabSpec
from driver.errors import EngineGoneError, InterruptedCommandError, LabError, NotReadyError, UsageError
from driver.labs import lab_journals, lab_lock
from driver.reference.labs import lifecycle as module
from driver.reference.labs.lab import Lab, lab_of
from driver.reference.labs.lifecycle import LabSnapshot, lab_snapshot, restart_lab
from driver.terminal import Terminal
from tests.driver.fakes import SPEC, FakeEngine


@dataclass
class LabEngine(FakeEngine):
    """A lab whose journals are in a folder."""

    journals: Path | None = None

    def existing_spec(self) -> LabSpec | None:
        return replace(SPEC, journals=self.journals) if self.statuses else None


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(lab_journals, "state_dir", lambda: tmp_path)


def up(journals: Path, *more: str) -> LabEngine:
    names = ("coordinator", "toxiproxy", "worker-1", "worker-2", *more)
    return LabEngine(dict.fromkeys(names, "running"), journals=journals)


def test_a_lab_that_was_started_by_hand_is_found_with_all_that_runs_beside_it(tmp_path: Path) -> None:
    engine = up(tmp_path / "labs" / "fake" / "journals", *MONITORS)
    found = lab_snapshot(engine)
    assert found is not None
    assert (found.workers, found.monitored) == (2, True)


def test_what_a_killed_run_left_is_no_lab_that_has_to_be_there_again(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert lab_snapshot(up(tmp_path / "journals")) is None


async def test_the_lab_that_is_left_up_keeps_its_journals_where_they_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[LabSpec] = []

    async def bring_up(engine: Engine, spec: LabSpec, workers: int, terminal: Terminal) -> Lab:
        made.append(spec)
        return lab_of(engine, spec)

    monkeypatch.setattr(module, "bring_up", bring_up)
    engine = LabEngine()
    await restart_lab(engine, LabSnapshot(replace(SPEC, journals=None), 2, monitored=True), Terminal())
    assert made[0].journals == tmp_path / "labs" / "fake" / "journals"
    assert made[0].journals.is_dir()
    assert engine.asked == [f"up {' '.join(MONITORS)}"]


async def test_a_lab_that_cannot_be_left_up_costs_no_verdict_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def bring_up(*_: object) -> Lab:
        raise NotReadyError("Workers not connected after 92 s.")

    monkeypatch.setattr(module, "bring_up", bring_up)
    engine = LabEngine({"worker-1": "running"})
    await restart_lab(engine, LabSnapshot(SPEC, 1, monitored=False), Terminal())
    assert "could not be left up, and is down: Workers not connected" in capsys.readouterr().err
    assert "down" in engine.asked


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many workers each lab was left up with."""
    workers: list[int] = []

    async def restart_lab(engine: Engine, lab: LabSnapshot, terminal: Terminal) -> None:
        workers.append(lab.workers)

    monkeypatch.setattr(run_lab, "restart_lab", restart_lab)
    return workers


@pytest.mark.parametrize("error", [None, NotReadyError("No answer after 120 s.")])
def test_a_lab_that_a_run_replaced_is_up_again_however_the_run_ended(
    error: LabError | None, tmp_path: Path, restored: list[int]
) -> None:
    engine = up(tmp_path / "labs" / "journals")
    with suppress(NotReadyError), lab_for_run(engine, ["scenario", "x"], True, None, Terminal()):
        breaks(engine, error)
    assert restored == [2]


def breaks(engine: LabEngine, error: LabError | None) -> None:
    """A run that took the lab's containers away, and ended so."""
    engine.statuses.clear()
    if error is not None:
        raise error


def test_a_lab_that_no_run_replaced_is_left_as_it_is(tmp_path: Path, restored: list[int]) -> None:
    with (
        pytest.raises(InterruptedCommandError),
        lab_for_run(up(tmp_path / "labs" / "journals"), ["scenario", "x"], True, None, Terminal()),
    ):
        raise InterruptedCommandError("Stopped.")
    assert restored == []


def test_under_a_suite_s_lock_an_entry_asks_nothing_and_leaves_the_lab_to_the_suite(
    tmp_path: Path, restored: list[int]
) -> None:
    engine = up(tmp_path / "labs" / "journals")
    with (
        lab_lock.lab_lock("fake", "suite") as lock,
        lab_for_run(engine, ["scenario", "x"], False, lock, Terminal()),
    ):
        engine.statuses.clear()
    assert restored == []


def test_an_engine_that_is_gone_is_asked_for_no_lab(tmp_path: Path, restored: list[int]) -> None:
    engine = up(tmp_path / "labs" / "journals")
    with (
        pytest.raises(EngineGoneError),
        lab_for_run(engine, ["scenario", "x"], True, None, Terminal()),
    ):
        breaks(engine, EngineGoneError("The Docker engine stopped answering."))
    assert restored == []


def test_without_a_terminal_a_lab_that_is_up_is_replaced_on_request_alone(tmp_path: Path) -> None:
    engine = up(tmp_path / "labs" / "fake" / "journals")
    with (
        pytest.raises(UsageError, match="is up with 2 workers") as refused,
        lab_for_run(engine, ["scenario", "x"], replace=False, inherited=None, terminal=Terminal()),
    ):
        pass
    assert "--replace" in refused.value.hint
    with lab_for_run(engine, ["scenario", "x"], replace=True, inherited=None, terminal=Terminal()):
        assert [one.words for one in lab_lock.lock_holders("fake")] == [["scenario", "x"]]


def answers(answer: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A terminal with an answer to each question; the questions."""
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    return asked


def test_on_a_terminal_it_asks_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(True, monkeypatch)
    with lab_for_run(up(tmp_path / "labs" / "journals"), ["scenario", "x"], False, None, Terminal()):
        assert "with 2 workers. Replace it for this run" in asked[0]


def test_on_a_terminal_it_asks_and_leaves_the_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(False, monkeypatch)
    with (
        pytest.raises(InterruptedCommandError, match="The lab is as it was; nothing was run"),
        lab_for_run(up(tmp_path / "labs" / "journals"), ["scenario", "x"], False, None, Terminal()),
    ):
        pass


def test_nothing_is_asked_where_no_lab_is_up() -> None:
    engine = LabEngine()
    with lab_for_run(engine, ["scenario", "x"], replace=False, inherited=None, terminal=Terminal()):
        pass
    assert engine.asked == []
