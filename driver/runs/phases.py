"""Marks where a run is: each phase begins and ends in the journal, whatever happens inside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

from driver.errors import LabError
from driver.histories.events import PhaseBegun, PhaseEnded
from wire.events import Journal


@dataclass
class Phase:
    """How a phase ended: done, failed (what it is for was not reached) or stopped; the block may say so."""

    outcome: str = "done"
    detail: str = ""


@asynccontextmanager
async def phase(journal: Journal, name: str, zero_ns: int = 0) -> AsyncIterator[Phase]:
    """One phase of the run; `zero_ns` is the instant from which the scenario's times count (0: not known)."""
    journal(PhaseBegun, phase=name, zero_ns=zero_ns)
    ending = Phase()
    try:
        yield ending
    except asyncio.CancelledError:
        ending.outcome, ending.detail = "stopped", "stopped before its end"
        raise
    except LabError as error:
        ending.outcome, ending.detail = "failed", error.sentence
        raise
    except Exception as error:
        ending.outcome, ending.detail = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        journal(PhaseEnded, phase=name, outcome=ending.outcome, detail=ending.detail)


@asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run `work` beside the block and end it with it; an error in it ends the block and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as errors:
        raise first_of(errors) from errors


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a group of tasks ended with: one of ours if there is one, else the first."""
    leaves: list[BaseException] = []
    stack: list[BaseException] = [errors]
    while stack:
        error = stack.pop(0)
        if isinstance(error, BaseExceptionGroup):
            stack += error.exceptions
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, LabError)), leaves[0])
