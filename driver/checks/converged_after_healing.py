"""After the last heal every worker reconnects in time, and stays connected until the end."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics

NAME = "converged_after_healing"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measure the seconds from the last heal to the last begin of a connection that lasts to the end."""
    run = history.view(run_timeline)
    workers = history.view(connection_histories)
    if not workers:
        return unknown(NAME, "the run has no workers")
    if not run.heals:
        return unknown(NAME, "no fault was healed, so there is nothing to converge from")
    healed_ns = run.heals[-1]
    absent = [connections for connections in workers.values() if _since_ns(connections, run.end_ns) is None]
    if absent:
        because = f"{len(absent)} of {len(workers)} workers are not connected at the end: {absent[0].worker}"
        lost = [outage.lost for outage in absent[0].outages[-1:] if outage.lost]
        return violated(NAME, because, len(absent), show(history, lost))
    since = {connections.worker: _since_ns(connections, run.end_ns) or 0 for connections in workers.values()}
    last = max(since, key=lambda worker: since[worker])
    took_s, bound_s = max(0.0, (since[last] - healed_ns) / 1e9), params["within_s"]
    numbers = {"measured": took_s, "threshold": bound_s, "margin": bound_s - took_s, "unit": "s"}
    if took_s > bound_s:
        back = [outage.back for outage in workers[last].outages[-1:] if outage.back]
        because = (
            f"{last} was connected for good {took_s:.1f} s after the last heal; {bound_s:g} s are allowed"
        )
        return failed(NAME, because, evidence=show(history, back), **numbers)
    because = f"all {len(workers)} workers were connected for good {took_s:.1f} s after the last heal"
    return passed(NAME, because, **numbers)


def _since_ns(connections: ConnectionHistory, end_ns: int) -> int | None:
    """Return when the connection that lasts to the end began on both sides; None without one."""
    connected = connections.connected
    return connected[-1][0] if connected and connected[-1][1] >= end_ns else None


CHECK = Check(
    name=NAME,
    rank=190,
    claim="After the last heal every worker reconnects in time, and stays connected.",
    judge=judge,
    broken_by=("reconnection_forgotten",),
    time_sensitive=True,
    requires=(DRIVER, COORDINATOR, WORKERS),
    params={
        "within_s": Param(
            30, "seconds from the last heal until the last worker is connected for good, at most"
        )
    },
)
