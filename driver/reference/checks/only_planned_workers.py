"""Every worker that took part is planned, and each of its processes was started by its own container."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.metrics import Metrics
from wire.errors import RefusalReason
from wire.events import Event, HandshakeRefused, ProcessStarted, WorkerJoined
from wire.task_events import Assigned, TaskDone

NAME = "only_planned_workers"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Compare the workers with the plan, and each joined process with its first event, in the journal that
    its container alone can write.
    """
    joined = history.of(WorkerJoined)
    if not history.clients or not joined:
        return unknown(NAME, "the plan names no workers" if joined else "no worker joined")
    planned = set(history.clients)
    unplanned = [
        event for event in history.merged(WorkerJoined, Assigned, TaskDone) if _worker(event) not in planned
    ]
    if unplanned:
        names = sorted({_worker(event) for event in unplanned})
        results = sum(isinstance(event, TaskDone) for event in unplanned)
        because = f"{', '.join(names[:3])} took part without being planned; {results} results are theirs"
        return _failed(history, because, len(names), unplanned)
    started = {(event.by, event.incarnation) for event in history.of(ProcessStarted)}
    unexplained = [
        event for event in joined if event.incarnation and (event.worker, event.incarnation) not in started
    ]
    if unexplained:
        names = sorted({event.worker for event in unexplained})
        because = (
            f"a process joined as {', '.join(names[:3])} that no container of that name started: "
            f"its incarnation is not in {names[0]}.jsonl"
        )
        return _failed(history, because, len({event.incarnation for event in unexplained}), unexplained)
    refused = sum(event.reason == RefusalReason.stranger.label for event in history.of(HandshakeRefused))
    aside = f"; {refused} handshakes of unplanned workers were refused" if refused else ""
    processes = len({event.incarnation for event in joined if event.incarnation})
    return passed(
        NAME, f"{processes} processes joined, all of the {len(planned)} planned workers{aside}", measured=0
    )


def _worker(event: Event) -> str:
    assert isinstance(event, WorkerJoined | Assigned | TaskDone)
    return event.worker


def _failed(history: History, because: str, count: int, evidence: Sequence[Event]) -> Finding:
    return violated(NAME, because, count, show(history, evidence[:5]))


CHECK = Check(
    name=NAME,
    rank=40,
    claim="Every worker that took part is planned, and its own container started each of its processes.",
    judge=judge,
    broken_by=("stranger_joined",),
    always=True,
    decided=of_any_load,
    requires=(SERVER, CLIENTS),
)
