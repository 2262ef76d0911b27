"""Every phase begins and ends in the journal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from driver.errors import LabError
from driver.histories.driver_journal import DriverJournal
from driver.runs.phase import phase
from tests.driver.fakes import events_in
from tests.waiting import forever


def endings(folder: Path) -> list[tuple[str, str]]:
    return [(one["outcome"], one["detail"]) for one in events_in(folder) if one["event"] == "phase_ended"]


async def test_a_phase_that_goes_well_is_done(tmp_path: Path) -> None:
    async with phase(DriverJournal(tmp_path).write, "up"):
        pass
    assert endings(tmp_path) == [("done", "")]


async def test_a_phase_that_breaks_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError):
        async with phase(DriverJournal(tmp_path).write, "up"):
            raise LabError("No room.", "Make some.")
    assert endings(tmp_path) == [("failed", "No room.")]


async def test_a_phase_that_is_cancelled_is_stopped(tmp_path: Path) -> None:
    async def work() -> None:
        async with phase(DriverJournal(tmp_path).write, "up"):
            await forever()

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endings(tmp_path) == [("stopped", "stopped before its end")]


async def test_a_block_may_say_itself_that_it_failed(tmp_path: Path) -> None:
    async with phase(DriverJournal(tmp_path).write, "converge") as ending:
        ending.outcome, ending.detail = "failed", "two are away"
    assert endings(tmp_path) == [("failed", "two are away")]
