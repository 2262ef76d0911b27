"""Every worker under a disconnecting fault lost its connection, and reconnected."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params, once_passed
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import DRIVER, History
from driver.histories.intervals import holds
from driver.histories.journal_gaps import CLIENTS
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, run_timeline
from driver.metrics import Metrics

NAME = "workers_were_cut_off"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Return failed where a worker never reconnected; unknown where one stayed connected, since the fault may
    have been ineffective; failed where a receipt proves that it lasted `notices_within_s` or longer.
    """
    run = history.view(run_timeline)
    workers = history.view(connection_histories)
    cutting = [window for window in run.faults if window.cuts]
    if not cutting:
        return _without_cuts(params)
    never_back = [
        connections
        for connections in workers.values()
        if connections.by_client and not holds_at_end(connections, run.end_ns)
    ]
    if never_back:
        because = f"{len(never_back)} of {len(workers)} workers never reconnected: {_names(never_back)}"
        lost = [outage.lost for outage in never_back[0].outages[-1:] if outage.lost]
        return violated(NAME, because, len(never_back), show(history, lost))
    spared = [
        (window, worker)
        for window in cutting
        for worker in run.clients
        if window.reaches(worker, run.clients) and not was_cut_off(workers[worker], window)
    ]
    undetected = [
        (w, name) for w, name in spared if _went_undetected(workers[name], w, params["notices_within_s"])
    ]
    if undetected:
        window, worker = undetected[0]
        because = (
            f"{len(undetected)} times a worker did not detect a fault that was proved on its link: {worker} "
            f"stayed connected under {window.fault} ({window.kind}) for {_lasted_s(window):.0f} s"
        )
        return violated(NAME, because, len(undetected), show(history, [window.begun]))
    if spared:
        window, worker = spared[0]
        because = (
            f"{len(spared)} times a worker stayed connected under a disconnecting fault: "
            f"{worker} under {window.fault} ({window.kind})"
        )
        return unknown(
            NAME, because, measured=len(spared), threshold=0, evidence=show(history, [window.begun])
        )
    cut = sum(len([w for w in run.clients if window.reaches(w, run.clients)]) for window in cutting)
    because = f"in {len(cutting)} faults workers were disconnected {cut} times, and reconnected each time"
    return passed(NAME, because, measured=cut)


def was_cut_off(connections: ConnectionHistory, window: FaultWindow) -> bool:
    """Whether a worker had no connection in a fault: it broke in it, or was down when it began."""
    ended_ns = window.ended_ns if window.ended_ns is not None else window.began_ns
    for outage in connections.outages:
        back_ns = outage.back_ns
        began_inside = window.due_ns - EARLY_EFFECT_NS <= outage.broken_ns <= ended_ns + EARLY_EFFECT_NS
        lasted_into = outage.broken_ns < window.began_ns and (back_ns is None or back_ns > window.began_ns)
        if began_inside or lasted_into:
            return True
    return False


def _went_undetected(connections: ConnectionHistory, window: FaultWindow, within_s: float) -> bool:
    """Whether the fault is proved and lasted `within_s`, and the worker lost no connection through it."""
    receipt = window.receipt
    if receipt is None or not receipt.proved or window.ended_ns is None or _lasted_s(window) < within_s:
        return False
    until_ns = window.ended_ns + int(within_s * 1e9)
    return not any(
        window.due_ns - EARLY_EFFECT_NS <= outage.lost_ns <= until_ns for outage in connections.outages
    )


def _lasted_s(window: FaultWindow) -> float:
    return ((window.ended_ns or window.began_ns) - window.began_ns) / 1e9


def holds_at_end(connections: ConnectionHistory, end_ns: int) -> bool:
    """Whether a worker's journal has it connected at the run's end."""
    return holds(connections.by_client, end_ns - 1)


def _without_cuts(params: Params) -> Finding:
    if params["required"]:
        return unknown(NAME, "no fault of this run must disconnect a worker, and the scenario requires one")
    return passed(NAME, "no fault of this run must disconnect a worker: none is that long or of such a kind")


def _names(workers: list[ConnectionHistory]) -> str:
    return ", ".join(connections.client for connections in workers[:5]) + (", …" if len(workers) > 5 else "")


CHECK = Check(
    name=NAME,
    rank=30,
    claim="Every worker under a disconnecting fault lost its connection and reconnected.",
    judge=judge,
    broken_by=("reconnection_forgotten", "fault_claimed"),
    time_sensitive=True,
    requires=(DRIVER, CLIENTS),
    always=True,
    decided=once_passed,
    params={
        "notices_within_s": Param(
            10,
            "a proved fault that lasts at least this long must be detected by the workers under it",
            least=1,
        ),
        "required": Param(
            0, "1: a run without such faults is unknown (set when a scenario names this check)"
        ),
    },
)
