"""`lab.py top`: a lab as it is now, in the terminal."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import click

from driver.cli import options
from driver.dashboard.feed import HOLD_NS
from driver.dashboard.on_a_terminal import rows_of, summary_of
from driver.dashboard.standing import LOOK_EVERY_S, Standing
from driver.errors import NoLabError
from driver.labs.project_name import start_hint
from driver.terminal import ProgressView, Terminal, print_lines, print_table

REFRESH_S = 0.5
MOST_ROWS = 500
COLUMNS = ("worker", "state", "for", "back", "tasks", "memory", "under", "doing")


@click.command("top")
@click.option("--once", is_flag=True, help="One table on standard output, and no more.")
@options.project
@options.log_level
def command(project: str, once: bool) -> None:
    """Show the lab now: who is connected, what they do, which faults are on. Ctrl-C ends it."""
    standing = Standing(options.engine_of(project))
    if once:
        asyncio.run(_once(standing, project))
        return
    with suppress(KeyboardInterrupt), Terminal() as terminal:
        asyncio.run(_watch(standing, terminal))


async def _once(standing: Standing, project: str) -> None:
    await standing.look()
    # A long history is read in many steps; Ctrl-C ends it in between, as any loop.
    more = True
    while more:
        more = standing.step()
    # What was asked of the engine just now takes its turn a moment after it.
    await asyncio.sleep(HOLD_NS / 1e9)
    standing.step()
    if standing.feed is None:
        raise NoLabError(summary_of(standing), start_hint(project))
    rows, marks = rows_of(standing, MOST_ROWS)
    print_table(COLUMNS, rows, marks)
    print_lines([summary_of(standing)])


async def _watch(standing: Standing, terminal: Terminal) -> None:
    # Before anything is shown: where no terminal is, the next line is half a minute away.
    await standing.look()
    looking = asyncio.create_task(_look_around(standing))
    try:
        while True:
            if standing.step():
                # Ctrl-C ends it while a long history is read, too.
                await asyncio.sleep(0)
                continue
            rows, marks = rows_of(standing, terminal.height - 4)
            terminal.show_table(COLUMNS, rows, marks, ProgressView(summary_of(standing)))
            await asyncio.sleep(REFRESH_S)
    finally:
        looking.cancel()


async def _look_around(standing: Standing) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await standing.look()
