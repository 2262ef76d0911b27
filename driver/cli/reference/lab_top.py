"""The reference lab as it is now, as a table in the terminal."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from driver.engines.engine import Engine
from driver.errors import NoLabError
from driver.labs.project_name import start_hint
from driver.reference.dashboard.feed import HOLD_NS
from driver.reference.dashboard.lab_monitor import REFRESH_EVERY_S, LabMonitor
from driver.reference.dashboard.top_table import rows_of, summary_of
from driver.terminal import ProgressView, Terminal, print_lines, print_table

REDRAW_EVERY_S = 0.5
MAX_ROWS = 500
COLUMNS = ("worker", "state", "for", "back", "tasks", "memory", "under", "doing")


def top_lab(engine: Engine, once: bool) -> None:
    """Show the lab of an engine, until Ctrl-C or `once`. Raises NoLabError."""
    monitor = LabMonitor(engine)
    if once:
        asyncio.run(_once(monitor, engine.project))
        return
    with suppress(KeyboardInterrupt), Terminal() as terminal:
        asyncio.run(_live(monitor, terminal))


async def _once(monitor: LabMonitor, project: str) -> None:
    """Print one table. Raises NoLabError."""
    await monitor.refresh()
    # A long history is read in many steps, between which Ctrl-C ends the command.
    more = True
    while more:
        more = monitor.step()
    # The engine's samples of just now are applied only at the age of HOLD_NS.
    await asyncio.sleep(HOLD_NS / 1e9)
    monitor.step()
    if monitor.feed is None:
        raise NoLabError(summary_of(monitor), start_hint(project))
    rows, marks = rows_of(monitor, MAX_ROWS)
    print_table(COLUMNS, rows, marks)
    print_lines([summary_of(monitor)])


async def _live(monitor: LabMonitor, terminal: Terminal) -> None:
    """Redraw the table until cancelled."""
    # Refreshed before the first line: without a terminal the next one comes half a minute later.
    await monitor.refresh()
    refreshing = asyncio.create_task(_refresh(monitor))
    try:
        while True:
            if monitor.step():
                # Ctrl-C ends the command also while a long history is read.
                await asyncio.sleep(0)
                continue
            rows, marks = rows_of(monitor, terminal.height - 4)
            terminal.show_table(COLUMNS, rows, marks, ProgressView(summary_of(monitor)))
            await asyncio.sleep(REDRAW_EVERY_S)
    finally:
        refreshing.cancel()


async def _refresh(monitor: LabMonitor) -> None:
    while True:
        await asyncio.sleep(REFRESH_EVERY_S)
        await monitor.refresh()
