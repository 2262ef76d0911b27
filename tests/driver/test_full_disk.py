"""A disk that fills up: a sentence, nothing left behind, and what was written before is kept."""

from __future__ import annotations

import errno
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from driver.cli import main
from driver.engines.engine import Engine
from driver.errors import LabError
from driver.exit_codes import ExitCode
from driver.histories.driver_journal import FILE_NAME, DriverJournal
from driver.histories.events import ReportNote
from driver.reference.run_subject import ReferenceSubject
from driver.runs import collect
from driver.runs import run as run_module
from driver.runs.collect import lines_since, save_logs
from driver.runs.run_phases import RunPhases
from driver.runs.run_request import RunRequest
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import load_scenario, scenario_paths
from driver.terminal import Terminal
from tests.driver.fakes import FakeEngine

FULL = Path("/dev/full")
"""A device that takes nothing: `No space left on device`, as a full disk says."""


def test_the_first_line_that_a_full_disk_refuses_is_reported_and_later_ones_stop_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE_NAME).symlink_to(FULL)
    journal = DriverJournal(tmp_path)
    with pytest.raises(LabError, match=r"driver\.jsonl could not be written: No space left") as caught:
        journal.write(ReportNote, level="info", text="refused")
    assert "judge" in caught.value.hint
    journal.write(ReportNote, level="info", text="healing goes on")
    journal.close()


def test_a_journal_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file in its place")
    with pytest.raises(LabError, match="could not be written"):
        DriverJournal(tmp_path / "journals")


def test_logs_that_a_full_disk_refuses_stop_nothing(tmp_path: Path) -> None:
    engine = FakeEngine({"worker-1": "running", "worker-2": "running"})
    (tmp_path / f"{engine.containers()[0].name}.log").symlink_to(FULL)
    save_logs(engine, tmp_path)
    assert len(list(tmp_path.glob("*.log"))) == len(engine.containers())


class _Endless(FakeEngine):
    """Its containers have printed without end."""

    def whole_log(self, name: str) -> Generator[bytes, None, None]:
        while True:
            yield b"x" * 40 + b"\n"


def test_a_log_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MOST_LOG_BYTES", 2 << 20)
    engine = _Endless({"worker-1": "running"})
    save_logs(engine, tmp_path)
    text = (tmp_path / f"{engine.containers()[0].name}.log").read_text()
    assert text.endswith("\n… cut by the lab at 2 MB\n")
    assert 2 << 20 <= len(text) < (2 << 20) + 100


class _BreaksLate(RunPhases):
    """A run whose cleanup raises an unexpected error."""

    async def execute(self) -> LabError | None:
        return None

    async def cleanup(self) -> None:
        raise RuntimeError("unforeseen")


async def test_whatever_breaks_a_run_late_its_containers_are_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "RunPhases", _BreaksLate)
    engine = FakeEngine()
    plan = resolve(load_scenario(scenario_paths()["thundering_herd"]), 1)
    request, terminal = RunRequest(plan, "# as stored\n", tmp_path), Terminal()
    subject = ReferenceSubject(plan, cast(Engine, engine), terminal, "127.0.0.1")
    with pytest.raises(RuntimeError, match="unforeseen"):
        await run_module.run(request, subject, terminal)
    assert engine.asked[-1] == "down"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_machine_that_refuses_is_no_bug_of_the_lab(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused as a test", "/some/where")

    monkeypatch.setattr(main.commands, "main", refuse)
    assert main.run(["judge"]) == ExitCode.LAB_BROKE
    assert capsys.readouterr().err.startswith("lab.py: This machine refused: /some/where: refused as a test.")


def test_the_lines_of_a_log_are_those_from_a_wall_time_on() -> None:
    pieces = [b"2026-11-30T20:59:59.9Z old\n2026-11-30T21:00:0", b"0.1Z new\n2026-11-30T21:00:09Z half"]
    found = b"".join(lines_since(pieces, datetime(2026, 11, 30, 21, tzinfo=UTC).timestamp()))
    assert found == b"2026-11-30T21:00:00.1Z new\n2026-11-30T21:00:09Z half"
