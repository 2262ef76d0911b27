"""After the last heal every worker is connected again, soon, and stays so until the end."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics

NAME = "converged_after_healing"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measures the time from the last heal until the last worker's last connection began, on both sides."""
    run = history.view(run_timeline)
    told = history.view(connection_histories)
    if not told:
        return unknown(NAME, "no worker is known")
    if not run.heals:
        return unknown(NAME, "no fault was healed, so that there is nothing to converge from")
    healed_ns = run.heals[-1]
    absent = [connections for connections in told.values() if _since_ns(connections, run.end_ns) is None]
    if absent:
        because = f"{len(absent)} of {len(told)} workers are not connected at the end: {absent[0].worker}"
        lost = [outage.lost for outage in absent[0].outages[-1:] if outage.lost]
        return failed(
            NAME,
            because,
            measured=len(absent),
            threshold=0,
            margin=-len(absent),
            evidence=show(history, lost),
        )
    since = {connections.worker: _since_ns(connections, run.end_ns) or 0 for connections in told.values()}
    last = max(since, key=lambda worker: since[worker])
    took_s, bound_s = max(0.0, (since[last] - healed_ns) / 1e9), params["within_s"]
    numbers = {"measured": took_s, "threshold": bound_s, "margin": bound_s - took_s, "unit": "s"}
    if took_s > bound_s:
        back = [outage.back for outage in told[last].outages[-1:] if outage.back]
        because = (
            f"{last} was back for good only {took_s:.1f} s after the last heal; {bound_s:g} s are allowed"
        )
        return failed(NAME, because, evidence=show(history, back), **numbers)
    because = f"all {len(told)} workers were back for good {took_s:.1f} s after the last heal"
    return passed(NAME, because, **numbers)


def _since_ns(connections: ConnectionHistory, end_ns: int) -> int | None:
    """Since when both sides hold the connection that stands at the end; None when none does."""
    connected = connections.connected
    return connected[-1][0] if connected and connected[-1][1] >= end_ns else None


CHECK = Check(
    name=NAME,
    claims="After the last heal every worker comes back soon, and stays.",
    judge=judge,
    takes_time=True,
    rests_on=(DRIVER, COORDINATOR, WORKERS),
    params={
        "within_s": Param(30, "seconds from the last heal until the last worker is back for good, at most")
    },
)
