"""The table of `lab.py top`: a row a worker, those without a connection first. Pure but for the clock."""

from __future__ import annotations

import time

from driver.histories.journals import client_order
from driver.metrics.metric import Unit, percentile
from driver.metrics.quantities import write
from driver.reference.dashboard.lab_monitor import LabMonitor
from driver.reference.dashboard.live_worker import LiveWorker, TileState
from driver.reference.dashboard.model import Model

_ORDER = (TileState.down, TileState.trying, TileState.unknown, TileState.connected)
_MARKS = {
    TileState.down: "bad",
    TileState.trying: "warn",
    TileState.unknown: "",
    TileState.connected: "good",
}


def rows_of(monitor: LabMonitor, max_rows: int) -> tuple[list[list[str]], list[str]]:
    """Return the rows and their marks, at most `max_rows`: the last then counts the workers left out."""
    model = monitor.feed.model if monitor.feed else None
    if model is None:
        return [], []
    faults = model.faults.by_target()
    workers = sorted(
        model.workers.values(), key=lambda one: (_ORDER.index(one.state), client_order(one.name))
    )
    shown = workers if len(workers) <= max_rows else workers[: max(1, max_rows - 1)]
    rows = [_row(one, faults.get(one.name, []), model) for one in shown]
    marks = [_MARKS[one.state] for one in shown]
    if len(shown) < len(workers):
        rows.append([f"… and {len(workers) - len(shown)} more", *[""] * 7])
        marks.append("")
    return rows, marks


def summary_of(monitor: LabMonitor) -> str:
    """Return the line below the table: connections, tasks, median time of reconnection, and faults."""
    lab, model = monitor.status(), monitor.feed.model if monitor.feed else None
    if model is None:
        return str(lab["hint"] or "looking for the lab")
    gone = "gone, last seen: " if lab["state"] == "gone" else ""
    tasks, under_faults = model.tasks, model.connected_under_faults
    median_s = percentile(model.connections.times_s, 50)
    parts = [
        f"{gone}{model.connected}/{len(model.workers)} connected",
        f"{under_faults} of them under faults" if under_faults else "",
        f"{tasks.completed} done" + (f", {tasks.failed} failed" if tasks.failed else ""),
        f"{tasks.totals.waiting} waiting" if tasks.totals else "",
        f"back in {write(median_s, Unit.seconds)}" if median_s is not None else "",
        *(f"{one.begun.kind} on {len(one.begun.targets)}" for one in model.faults.on()),
    ]
    return ", ".join(part for part in parts if part)


def _row(one: LiveWorker, faults: list[str], model: Model) -> list[str]:
    since = max(0.0, time.time() - one.since_wall_s) if one.since_wall_s else None
    state = one.state.value if not one.attempt else f"{one.state.value} {one.attempt}"
    kinds = {model.faults.all[fault].begun.kind for fault in faults}
    return [
        one.name,
        state,
        "" if since is None else write(since, Unit.seconds),
        str(one.reconnections),
        str(one.tasks),
        write(one.usage.memory_bytes, Unit.bytes) if one.usage.memory_bytes else "",
        ", ".join(sorted(kinds)),
        one.task_text,
    ]
