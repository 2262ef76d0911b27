"""A lab as rows of a terminal: those that are not well first, as many as fit. Pure but for the clock."""

from __future__ import annotations

import time

from driver.dashboard.model import Model
from driver.dashboard.standing import Standing
from driver.dashboard.worker_now import Standing as State
from driver.dashboard.worker_now import WorkerNow
from driver.histories.journals import worker_order
from driver.metrics.metric import Unit, percentile
from driver.scenarios.quantities import write

_WORST_FIRST = (State.down, State.trying, State.unknown, State.connected)
_MARKS = {State.down: "bad", State.trying: "warn", State.unknown: "", State.connected: "good"}


def rows_of(standing: Standing, most: int) -> tuple[list[list[str]], list[str]]:
    """The workers' rows and their marks; a last row says how many more there are."""
    model = standing.feed.model if standing.feed else None
    if model is None:
        return [], []
    hurt = model.faults.hurt()
    workers = sorted(
        model.workers.values(), key=lambda one: (_WORST_FIRST.index(one.standing), worker_order(one.name))
    )
    shown = workers if len(workers) <= most else workers[: max(1, most - 1)]
    rows = [_row(one, hurt.get(one.name, []), model) for one in shown]
    marks = [_MARKS[one.standing] for one in shown]
    if len(shown) < len(workers):
        rows.append([f"… and {len(workers) - len(shown)} more", *[""] * 7])
        marks.append("")
    return rows, marks


def summary_of(standing: Standing) -> str:
    """The line below: who is here, what is in work, how long the way back takes."""
    told, model = standing.told(), standing.feed.model if standing.feed else None
    if model is None:
        return str(told["hint"] or "looking for the lab")
    gone = "gone, last seen: " if told["state"] == "gone" else ""
    totals = model.totals
    back = percentile(model.reconnection_times_s, 50)
    parts = [
        f"{gone}{model.connected}/{len(model.workers)} connected",
        f"{model.completed} done" + (f", {model.failed} failed" if model.failed else ""),
        f"{totals.waiting} waiting" if totals else "",
        f"back in {write(back, Unit.seconds)}" if back is not None else "",
        *(f"{one.begun.kind} on {len(one.begun.targets)}" for one in model.faults.on()),
    ]
    return ", ".join(part for part in parts if part)


def _row(one: WorkerNow, faults: list[str], model: Model) -> list[str]:
    since = max(0.0, time.time() - one.since_wall_s) if one.since_wall_s else None
    state = one.standing.value if not one.attempt else f"{one.standing.value} {one.attempt}"
    kinds = {model.faults.all[fault].begun.kind for fault in faults}
    return [
        one.name,
        state,
        "" if since is None else write(since, Unit.seconds),
        str(one.reconnections),
        str(one.tasks),
        write(one.usage.memory_bytes, Unit.bytes) if one.usage.memory_bytes else "",
        ", ".join(sorted(kinds)),
        one.doing,
    ]
