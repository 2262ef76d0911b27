"""After the last heal every client reconnects in time, and stays connected until the end."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown, violated
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.link_connections import LinkJournal, link_journals
from driver.histories.run_timeline import run_timeline
from driver.metrics import Metrics
from driver.nouns import counted

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


def judge_system(history: History, metrics: Metrics, params: Params) -> Finding:
    """Measure the seconds from the last heal until every link that carried traffic before the first fault,
    and that was asked for since, carries some again.
    """
    run = history.view(run_timeline)
    if not run.heals or run.first_fault_ns is None:
        return unknown(NAME, "no fault was healed, so there is nothing to converge from")
    healed_ns = run.heals[-1]
    before = {
        name: one for name, one in history.view(link_journals).items() if _carries(one, 0, run.first_fault_ns)
    }
    back = {name: _carried_again_ns(one, healed_ns, run.end_ns) for name, one in before.items()}
    idle = [name for name, one in before.items() if not _wanted(one, healed_ns, run.end_ns)]
    silent = [name for name, at_ns in back.items() if at_ns is None and name not in idle]
    if silent:
        because = f"{len(silent)} of {len(before)} links carried nothing again: {silent[0]}"
        return violated(NAME, because, len(silent))
    times = [(at_ns - healed_ns) / 1e9 for at_ns in back.values() if at_ns is not None]
    if not times:
        return unknown(NAME, "no link was used after the last heal: let the load go on after the last fault")
    took_s, bound_s = max(times), params["within_s"]
    numbers = {"measured": took_s, "threshold": bound_s, "margin": bound_s - took_s, "unit": "s"}
    last = max(back, key=lambda name: back[name] or 0)
    because = f"{last} carried traffic {took_s:.1f} s after the last heal"
    if took_s > bound_s:
        return failed(NAME, f"{because}; {bound_s:g} s are allowed", **numbers)
    aside = f"; {counted(len(idle), 'other')} carried nothing since" if idle else ""
    because = (
        f"all {len(times)} links that were used carried traffic {took_s:.1f} s after the last heal{aside}"
    )
    return passed(NAME, because, **numbers)


def _carries(link: LinkJournal, from_ns: int, until_ns: int) -> bool:
    return any(
        one.first_answer_ns and one.first_answer_ns < until_ns and one.server.last_ns >= from_ns
        for one in link.connections
    )


def _carried_again_ns(link: LinkJournal, from_ns: int, until_ns: int) -> int | None:
    """Return when a link's server answered first since an instant, as far as its door wrote it down."""
    since = [
        max(from_ns, one.first_answer_ns)
        for one in link.connections
        if 0 < one.first_answer_ns < until_ns and one.server.last_ns >= from_ns
    ]
    return min(since, default=None)


def _wanted(link: LinkJournal, from_ns: int, until_ns: int) -> bool:
    """Whether a client asked for a connection since an instant, or sent anything on an open one."""
    return any(
        from_ns <= one.asked_ns < until_ns or from_ns <= one.client.last_ns < until_ns
        for one in link.connections
    )


CHECK = Check(
    name=NAME,
    rank=190,
    claim="After the last heal every worker reconnects in time, and stays connected. Of a foreign system: "
    "every link that is used carries traffic again in time.",
    judge=judge,
    broken_by=("reconnection_forgotten", "link_stays_cut"),
    on_system=judge_system,
    time_sensitive=True,
    requires=(DRIVER, COORDINATOR, WORKERS),
    params={
        "within_s": Param(
            30, "seconds from the last heal until the last worker is connected for good, at most"
        )
    },
)
