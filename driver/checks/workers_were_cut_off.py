"""Every worker under a fault that cuts really lost its connection, and came back."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.connection_history import ConnectionHistory, connection_histories
from driver.histories.history import DRIVER, History
from driver.histories.intervals import holds
from driver.histories.journal_gaps import WORKERS
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, run_timeline
from driver.metrics import Metrics

NAME = "workers_were_cut_off"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Cut off and never back: failed. Not cut off: unknown, since the fault may have been none; but failed
    where a receipt proves that it lasted for so long that the worker must have noticed.
    """
    run = history.view(run_timeline)
    told = history.view(connection_histories)
    cutting = [window for window in run.faults if window.cuts]
    if not cutting:
        return _without_cuts(params)
    never_back = [
        connections
        for connections in told.values()
        if connections.by_worker and not holds_at_end(connections, run.end_ns)
    ]
    if never_back:
        because = f"{len(never_back)} of {len(told)} workers never came back: {_names(never_back)}"
        lost = [outage.lost for outage in never_back[0].outages[-1:] if outage.lost]
        return failed(NAME, because, measured=len(never_back), threshold=0, evidence=show(history, lost))
    spared = [
        (window, worker)
        for window in cutting
        for worker in run.workers
        if window.reaches(worker, run.workers) and not was_cut_off(told[worker], window)
    ]
    deaf = [(w, name) for w, name in spared if _must_have_noticed(told[name], w, params["notices_within_s"])]
    if deaf:
        window, worker = deaf[0]
        because = (
            f"{len(deaf)} times a worker did not notice a fault that was proved on its link: {worker} stayed "
            f"connected under {window.fault} ({window.kind}) for {_lasted_s(window):.0f} s"
        )
        return failed(NAME, because, measured=len(deaf), threshold=0, evidence=show(history, [window.begun]))
    if spared:
        window, worker = spared[0]
        because = (
            f"{len(spared)} times a worker stayed connected under a fault that cuts: "
            f"{worker} under {window.fault} ({window.kind})"
        )
        return unknown(
            NAME, because, measured=len(spared), threshold=0, evidence=show(history, [window.begun])
        )
    cut = sum(len([w for w in run.workers if window.reaches(w, run.workers)]) for window in cutting)
    because = f"in {len(cutting)} faults workers were cut off {cut} times, and came back each time"
    return passed(NAME, because, measured=cut)


def was_cut_off(connections: ConnectionHistory, window: FaultWindow) -> bool:
    """Whether a worker was without connection in a fault: broken in it, or already down when it began."""
    ended_ns = window.ended_ns if window.ended_ns is not None else window.began_ns
    for outage in connections.outages:
        back_ns = outage.back_ns
        began_inside = window.due_ns - EARLY_EFFECT_NS <= outage.broken_ns <= ended_ns + EARLY_EFFECT_NS
        lasted_into = outage.broken_ns < window.began_ns and (back_ns is None or back_ns > window.began_ns)
        if began_inside or lasted_into:
            return True
    return False


def _must_have_noticed(connections: ConnectionHistory, window: FaultWindow, within_s: float) -> bool:
    """Whether the fault is proved, lasted for so long, and the worker lost nothing soon after it either."""
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
    """Whether a worker believed itself connected when judging ends."""
    return holds(connections.by_worker, end_ns - 1)


def _without_cuts(params: Params) -> Finding:
    if params["required"]:
        return unknown(
            NAME, "no fault that cuts connections was begun, and the scenario is about nothing else"
        )
    return passed(NAME, "no fault of this run is meant to cut connections")


def _names(told: list[ConnectionHistory]) -> str:
    return ", ".join(connections.worker for connections in told[:5]) + (", …" if len(told) > 5 else "")


CHECK = Check(
    name=NAME,
    claims="Every worker under a fault that cuts lost its connection and came back.",
    judge=judge,
    takes_time=True,
    rests_on=(DRIVER, WORKERS),
    always=True,
    params={
        "notices_within_s": Param(
            10,
            "a proved fault that lasts for so many seconds must be noticed by the workers under it",
            least=1,
        ),
        "required": Param(
            0, "1: a run without such faults is unknown (set when a scenario names this check)"
        ),
    },
)
