"""A worker that is stopped finishes or returns its tasks, and sends a goodbye, before it ends."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.histories.run_timeline import EARLY_EFFECT_NS, FaultWindow, RunTimeline, run_timeline
from driver.metrics import Metrics
from wire.events import Event, ProcessStarted, ProcessStopping, WorkerGone
from wire.task_events import Dropped, Finished, LeaseExpired, ResultAcknowledged, Started

NAME = "left_in_order"
STOPPING_FAULTS = ("restart", "stop")
GOODBYE = "goodbye"
GOODBYE_NS = 5_000_000_000
"""The coordinator records the goodbye at most this long after the worker ended."""


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Leave out workers that were disconnected then: a goodbye that cannot arrive is not missing."""
    run = history.view(run_timeline)
    stops = [
        (window, worker)
        for window in run.faults
        if window.kind in STOPPING_FAULTS
        for worker in run.clients
        if worker in window.targets and not _is_disconnected(run, worker, window)
    ]
    if not stops:
        return unknown(NAME, "no worker was stopped while its link was up")
    wrong = [
        (window, worker, trouble)
        for window, worker in stops
        if (trouble := _trouble(history, window, worker))
    ]
    if wrong:
        window, worker, (what, evidence) = wrong[0]
        because = (
            f"{len(wrong)} of {len(stops)} stops were out of order: {worker} under {window.fault} {what}"
        )
        return violated(NAME, because, len(wrong), show(history, [window.begun, *evidence]))
    because = f"{len(stops)} times a worker was stopped, finished or returned its tasks, and sent a goodbye"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


def _is_disconnected(run: RunTimeline, worker: str, stop: FaultWindow) -> bool:
    return any(
        other is not stop
        and other.cuts
        and other.due_ns <= stop.began_ns + EARLY_EFFECT_NS
        and (other.ended_ns is None or other.ended_ns >= stop.due_ns - EARLY_EFFECT_NS)
        for other in run.faults_on(worker)
    )


def _trouble(history: History, stop: FaultWindow, worker: str) -> tuple[str, Sequence[Event]] | None:
    from_ns, until_ns = stop.due_ns - EARLY_EFFECT_NS, stop.began_ns + GOODBYE_NS
    events = _last_process(history.by(worker), stop.due_ns)
    last = events[-1] if events else None
    if not isinstance(last, ProcessStopping):
        return "was killed: it did not end in its time", events[-1:]
    for event in _abandoned(events):
        return "neither finished nor returned a task that it had begun", (event, last)
    goodbyes = (e for e in history.of(WorkerGone) if e.worker == worker and e.reason == GOODBYE)
    if not any(from_ns <= event.at_ns <= until_ns for event in goodbyes):
        return "sent no goodbye", (last,)
    return None


def _last_process(events: Sequence[Event], stopped_ns: int) -> list[Event]:
    """Return the events of the process that ran when it was stopped."""
    last: list[Event] = []
    for event in events:
        if isinstance(event, ProcessStarted):
            if event.at_ns > stopped_ns:
                break
            last = []
        last.append(event)
    return last


def _abandoned(events: Sequence[Event]) -> list[Event]:
    """Return the attempts that began, and were neither acknowledged nor dropped."""
    ended = {e.token for e in events if isinstance(e, Dropped | LeaseExpired | ResultAcknowledged)}
    return [e for e in events if isinstance(e, Started | Finished) and e.token not in ended]


CHECK = Check(
    name=NAME,
    rank=230,
    claim="Every worker that was stopped finished or returned its tasks, and sent a goodbye.",
    judge=judge,
    broken_by=("goodbye_forgotten",),
    time_sensitive=True,
    requires=(SERVER, CLIENTS),
)
