"""`lab.py top --system`: a system as it is now, in the terminal."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path

from driver.cli.system_place import SystemPlace
from driver.dashboard.system_monitor import LOOK_EVERY_S, SystemMonitor
from driver.dashboard.system_table import (
    CONTAINER_COLUMNS,
    LINK_COLUMNS,
    as_json,
    container_rows,
    link_rows,
    summary_of,
)
from driver.errors import NoLabError
from driver.terminal import ProgressView, Terminal, TerminalTable, print_json, print_lines, print_table

MOST_LINKS = 60
"""More links than this are grouped by pair where they are printed once."""
RATES_S = 1.0
"""Time between the two looks of one table: rates need two."""
AROUND = 6
"""Lines of the two headings, the gap, and the summary."""


def top_system(file: Path, once: bool, json_wanted: bool) -> None:
    """Show the tables of a system until Ctrl-C, or print them once. Raises LabError."""
    place = SystemPlace(file)
    monitor = SystemMonitor(place.project, place.running)
    if once or json_wanted:
        asyncio.run(_once(monitor, json_wanted))
        return
    with suppress(KeyboardInterrupt), Terminal() as terminal:
        asyncio.run(_live(monitor, terminal))


async def _once(monitor: SystemMonitor, json_wanted: bool) -> None:
    await monitor.refresh()
    model = monitor.model
    if monitor.error is not None or model is None:
        raise monitor.error or NoLabError(monitor.hint)
    await asyncio.sleep(RATES_S)
    await monitor.refresh()
    links, containers = model.links(time.monotonic_ns()), model.containers()
    if json_wanted:
        print_json(json.dumps(as_json(links, containers)))
        return
    print_table(LINK_COLUMNS, *link_rows(links, MOST_LINKS))
    print_lines([""])
    print_table(CONTAINER_COLUMNS, *container_rows(containers))
    print_lines([summary_of(links, containers, monitor.hint)])


async def _live(monitor: SystemMonitor, terminal: Terminal) -> None:
    """Redraw the tables until cancelled."""
    while True:
        await monitor.refresh()
        _draw(monitor, terminal)
        await asyncio.sleep(LOOK_EVERY_S)


def _draw(monitor: SystemMonitor, terminal: Terminal) -> None:
    model = monitor.model
    if model is None:
        terminal.show(ProgressView(monitor.hint))
        return
    links, containers = model.links(time.monotonic_ns()), model.containers()
    below = container_rows(containers)
    gone = "gone, last seen: " if monitor.state == "gone" else ""
    room = max(3, terminal.height - AROUND - len(below[0]))
    terminal.show_tables(
        [
            TerminalTable(LINK_COLUMNS, *link_rows(links, room)),
            TerminalTable(CONTAINER_COLUMNS, *below),
        ],
        ProgressView(f"{gone}{summary_of(links, containers, monitor.hint)}"),
    )
