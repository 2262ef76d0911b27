"""Before the first fault a steady state; after the last, everybody back and all work done."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from driver.errors import NotReadyError
from driver.labs.readiness import named
from driver.runs.phases import Phase
from wire.control import CoordinatorState

POLL_S = 0.1
GATE_GRACE_S = 30.0


class Watching(Protocol):
    """What is known of the coordinator now, and by asking it again."""

    @property
    def state(self) -> CoordinatorState | None: ...

    async def look(self) -> CoordinatorState | None: ...

    def missing(self) -> list[str]: ...


class Sending(Protocol):
    """A load, and whether all of it is handed in."""

    @property
    def finished(self) -> bool: ...


async def gate(watcher: Watching, due_ns: int, traffic: bool) -> float:
    """Wait until all are connected and, with `traffic`, tasks are being completed, and until `due_ns`.

    Returns by how many seconds that was later than due. Raises NotReadyError when it does not come about.
    """
    deadline_ns = due_ns + round(GATE_GRACE_S * 1e9)
    while True:
        missing = watcher.missing()
        idle = traffic and (watcher.state is None or watcher.state.counts.completed == 0)
        now_ns = time.monotonic_ns()
        if not missing and not idle and now_ns >= due_ns:
            return max(0.0, (now_ns - due_ns) / 1e9 - POLL_S)
        if now_ns > deadline_ns:
            why = f"not connected: {named(missing)}" if missing else "no task was completed"
            raise NotReadyError(
                f"No steady state before the first fault: {why}.", "See the run's logs/ folder."
            )
        await asyncio.sleep(POLL_S)


async def converge(watcher: Watching, within_s: float, ending: Phase) -> None:
    """Wait until every worker is connected again; not in time is for the verdict to judge."""
    deadline = time.monotonic() + within_s
    while (await watcher.look()) is None or watcher.missing():
        if time.monotonic() > deadline:
            ending.outcome = "failed"
            ending.detail = f"after {within_s:.0f} s not connected: {named(watcher.missing())}"
            return
        await asyncio.sleep(POLL_S)


async def drain(watcher: Watching, load: Sending, within_s: float, ending: Phase) -> None:
    """Wait until all tasks are handed in and done; not in time is for the verdict to judge."""
    deadline = time.monotonic() + within_s
    while True:
        state = await watcher.look()
        if load.finished and state is not None and state.counts.waiting + state.counts.assigned == 0:
            return
        if time.monotonic() > deadline:
            ending.outcome = "failed"
            open_tasks = "unknown" if state is None else str(state.counts.waiting + state.counts.assigned)
            ending.detail = f"after {within_s:.0f} s still open: {open_tasks} tasks"
            return
        await asyncio.sleep(POLL_S)
