"""A worker that was told to leave finished or handed back what it had begun, and said goodbye."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, RunTimeline, run_timeline
from driver.metrics import Metrics
from wire.events import (
    Dropped,
    Event,
    Finished,
    LeaseExpired,
    ProcessStarted,
    ProcessStopping,
    ResultAcknowledged,
    Started,
    WorkerGone,
)

NAME = "left_in_order"
TOLD_TO_LEAVE = ("restart", "stop")
GOODBYE = "goodbye"
HEARD_NS = 5_000_000_000
"""The coordinator may hear of it only when the worker is gone: so much later at most."""


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Leaves out who was cut off at that time: a goodbye that cannot arrive is no fault of the worker."""
    run = history.view(run_timeline)
    leaves = [
        (window, worker)
        for window in run.faults
        if window.kind in TOLD_TO_LEAVE
        for worker in run.workers
        if worker in window.targets and not _is_cut_off(run, worker, window)
    ]
    if not leaves:
        return unknown(NAME, "no worker was told to leave while its link was well")
    wrong = [
        (window, worker, told) for window, worker in leaves if (told := _trouble(history, window, worker))
    ]
    if wrong:
        window, worker, (what, evidence) = wrong[0]
        because = (
            f"{len(wrong)} of {len(leaves)} leaves were out of order: {worker} under {window.fault} {what}"
        )
        return failed(
            NAME,
            because,
            measured=len(wrong),
            threshold=0,
            margin=-len(wrong),
            evidence=show(history, [window.begun, *evidence]),
        )
    because = f"{len(leaves)} times a worker was told to leave, left nothing behind, and said goodbye"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


def _is_cut_off(run: RunTimeline, worker: str, leave: FaultWindow) -> bool:
    return any(
        other is not leave
        and other.cuts
        and other.due_ns <= leave.began_ns + EARLY_EFFECT_NS
        and (other.ended_ns is None or other.ended_ns >= leave.due_ns - EARLY_EFFECT_NS)
        for other in run.faults_on(worker)
    )


def _trouble(history: History, leave: FaultWindow, worker: str) -> tuple[str, Sequence[Event]] | None:
    from_ns, until_ns = leave.due_ns - EARLY_EFFECT_NS, leave.began_ns + HEARD_NS
    life = _life(history.by(worker), leave.due_ns)
    last = life[-1] if life else None
    if not isinstance(last, ProcessStopping):
        return "had to be killed: it was not gone in its time", life[-1:]
    for event in _left_behind(life):
        return "left work behind that it had begun, and did not hand it back", (event, last)
    goodbyes = (e for e in history.of(WorkerGone) if e.worker == worker and e.reason == GOODBYE)
    if not any(from_ns <= event.at_ns <= until_ns for event in goodbyes):
        return "said no goodbye", (last,)
    return None


def _life(events: Sequence[Event], told_ns: int) -> list[Event]:
    """The lines of the process that lived when it was told to leave."""
    life: list[Event] = []
    for event in events:
        if isinstance(event, ProcessStarted):
            if event.at_ns > told_ns:
                break
            life = []
        life.append(event)
    return life


def _left_behind(life: Sequence[Event]) -> list[Event]:
    """What was begun, and neither acknowledged nor let go of."""
    ended = {e.token for e in life if isinstance(e, Dropped | LeaseExpired | ResultAcknowledged)}
    return [e for e in life if isinstance(e, Started | Finished) and e.token not in ended]


CHECK = Check(
    name=NAME,
    claims="Every worker that was told to leave finished or handed back what it had, and said goodbye.",
    judge=judge,
    takes_time=True,
    rests_on=(COORDINATOR, WORKERS),
)
