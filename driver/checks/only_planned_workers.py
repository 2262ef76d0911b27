"""Every worker that took part is of the plan, and its own container started each of its processes."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.journal_gaps import WORKERS
from driver.metrics import Metrics
from wire.errors import RefusalReason
from wire.events import Assigned, Event, HandshakeRefused, ProcessStarted, TaskDone, WorkerJoined

NAME = "only_planned_workers"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """The plan names the workers. A process of one of them is explained by the line with which it began, in
    the journal that its container alone can write.
    """
    joined = history.of(WorkerJoined)
    if not history.workers or not joined:
        return unknown(NAME, "no plan names the workers" if joined else "no worker ever joined")
    planned = set(history.workers)
    strangers = [
        event for event in history.merged(WorkerJoined, Assigned, TaskDone) if _worker(event) not in planned
    ]
    if strangers:
        names = sorted({_worker(event) for event in strangers})
        results = sum(isinstance(event, TaskDone) for event in strangers)
        because = (
            f"{', '.join(names[:3])} took part and is not in the plan; {results} results are of strangers"
        )
        return _failed(history, because, len(names), strangers)
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
    aside = f"; {refused} handshakes of others were refused" if refused else ""
    lives = len({event.incarnation for event in joined if event.incarnation})
    return passed(
        NAME, f"{lives} processes joined, all of the {len(planned)} planned workers{aside}", measured=0
    )


def _worker(event: Event) -> str:
    assert isinstance(event, WorkerJoined | Assigned | TaskDone)
    return event.worker


def _failed(history: History, because: str, count: int, evidence: Sequence[Event]) -> Finding:
    return failed(
        NAME, because, measured=count, threshold=0, margin=-count, evidence=show(history, evidence[:5])
    )


CHECK = Check(
    name=NAME,
    claims="Whoever took part is a worker of the plan, and a process that its own container started.",
    judge=judge,
    always=True,
    rests_on=(COORDINATOR, WORKERS),
)
