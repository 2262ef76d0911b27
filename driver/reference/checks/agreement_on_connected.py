"""Worker and coordinator agree on which workers are connected, at the end and outside faults."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.connection_history import connection_histories
from driver.histories.history import SERVER, History
from driver.histories.intervals import Interval, difference, holds
from driver.histories.journal_gaps import CLIENTS
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from wire.events import Connected, ConnectionLost, Event, WorkerGone, WorkerJoined, WorkerLost

NAME = "agreement_on_connected"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measure the longest disagreement outside faults. A zombie is connected by the coordinator's journal
    alone, a ghost by its own alone.
    """
    run = history.view(run_timeline)
    workers = history.view(connection_histories)
    if not any(connections.by_client for connections in workers.values()) or not any(
        connections.by_server for connections in workers.values()
    ):
        return unknown(NAME, "one of the two sides recorded no connection")
    split = [
        connections
        for connections in workers.values()
        if holds(connections.by_client, run.end_ns - 1) != holds(connections.by_server, run.end_ns - 1)
    ]
    if split:
        side = "the worker" if holds(split[0].by_client, run.end_ns - 1) else "the coordinator"
        because = (
            f"at the end {len(split)} workers are connected by one side only: {split[0].client} ({side})"
        )
        evidence = show(history, _around(history, split[0].client, run.end_ns))
        return violated(NAME, because, len(split), evidence)
    worst: tuple[int, str, str, Interval] = (0, "", "", (0, 0))
    for connections in workers.values():
        for kind, stretches in connections.one_sided:
            for stretch in difference(stretches, run.under_fault):
                worst = max(worst, (stretch[1] - stretch[0], connections.client, kind, stretch))
    longest_s, bound_s = worst[0] / 1e9, params["longest_s"]
    numbers = {"measured": longest_s, "threshold": bound_s, "margin": bound_s - longest_s, "unit": "s"}
    if longest_s > bound_s:
        because = (
            f"{worst[1]} was a {worst[2]} for {longest_s:.1f} s outside any fault; {bound_s:g} s are allowed"
        )
        return failed(
            NAME, because, evidence=show(history, _around(history, worst[1], worst[3][0])), **numbers
        )
    because = (
        f"both sides agree on all {len(workers)} workers, but for {longest_s:.1f} s at most outside faults"
    )
    return passed(NAME, because, **numbers)


def _around(history: History, worker: str, at_ns: int) -> list[Event]:
    """Return the last events of each side about a worker's connection at an instant."""
    own = [e for e in history.merged(Connected, ConnectionLost) if e.by == worker and e.at_ns <= at_ns]
    seen = [
        e
        for e in history.merged(WorkerJoined, WorkerLost, WorkerGone)
        if isinstance(e, WorkerJoined | WorkerLost | WorkerGone) and e.worker == worker and e.at_ns <= at_ns
    ]
    return [*own[-2:], *seen[-2:]]


CHECK = Check(
    name=NAME,
    rank=180,
    claim="Worker and coordinator agree on which workers are connected.",
    judge=judge,
    broken_by=("reconnection_forgotten", "loss_claimed"),
    time_sensitive=True,
    requires=(SERVER, CLIENTS),
    params={"longest_s": Param(10, "longest disagreement outside faults, in seconds")},
)
