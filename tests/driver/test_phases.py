"""Every phase begins and ends in the journal, and work beside a block lives as long as the block."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from driver.errors import LabError
from driver.runs.journal import JournalFile
from driver.runs.phases import beside, first_of, phase
from tests.driver.fakes import events_in


def endings(folder: Path) -> list[tuple[str, str]]:
    return [(one["outcome"], one["detail"]) for one in events_in(folder) if one["event"] == "phase_ended"]


async def test_a_phase_that_goes_well_is_done(tmp_path: Path) -> None:
    async with phase(JournalFile(tmp_path).write, "up"):
        pass
    assert endings(tmp_path) == [("done", "")]


async def test_a_phase_that_breaks_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError):
        async with phase(JournalFile(tmp_path).write, "up"):
            raise LabError("No room.", "Make some.")
    assert endings(tmp_path) == [("failed", "No room.")]


async def test_a_phase_that_is_cancelled_is_stopped(tmp_path: Path) -> None:
    async def work() -> None:
        async with phase(JournalFile(tmp_path).write, "up"):
            await asyncio.sleep(30)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endings(tmp_path) == [("stopped", "stopped before its end")]


async def test_a_block_may_say_itself_that_it_failed(tmp_path: Path) -> None:
    async with phase(JournalFile(tmp_path).write, "converge") as ending:
        ending.outcome, ending.detail = "failed", "two are away"
    assert endings(tmp_path) == [("failed", "two are away")]


async def test_what_runs_beside_a_block_ends_with_it() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    async with beside(work()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_an_error_beside_a_block_ends_the_block_and_is_raised() -> None:
    async def work() -> None:
        raise LabError("The engine is gone.")

    with pytest.raises(LabError, match="The engine is gone"):
        async with beside(work()):
            await asyncio.sleep(30)


def test_of_several_errors_ours_is_told() -> None:
    inner = ExceptionGroup("inner", [LabError("ours")])
    assert str(first_of(ExceptionGroup("outer", [ValueError("theirs"), inner]))) == "ours"
