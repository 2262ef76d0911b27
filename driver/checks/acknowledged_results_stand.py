"""A result that was acknowledged to its worker was counted, or refused with a reason: it did not vanish."""

from __future__ import annotations

from collections import Counter

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.histories.journal_gaps import WORKERS
from driver.histories.refusals import omitted_of
from driver.metrics import Metrics
from wire.events import Finished, ResultAcknowledged, ResultRefused, TaskDone

NAME = "acknowledged_results_stand"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Looks at attempts that went well: one that ended in an error may be tried again, whatever was heard."""
    acknowledged = history.of(ResultAcknowledged)
    if not acknowledged:
        return unknown(NAME, "no result was ever acknowledged")
    answered = {(event.task, event.token) for event in history.of(TaskDone)}
    answered |= {(event.task, event.token) for event in history.of(ResultRefused)}
    went_well = {(event.task, event.token): event for event in history.of(Finished) if not event.error}
    vanished = [
        event
        for event in acknowledged
        if (event.task, event.token) in went_well and (event.task, event.token) not in answered
    ]
    lines_missing = Counter(event.by for event in vanished)
    if vanished and all(
        omitted_of(history, ResultRefused, worker) >= count for worker, count in lines_missing.items()
    ):
        because = f"{len(vanished)} acknowledged results have no line, as refusals of a flood have none"
        return unknown(NAME, because)
    if vanished:
        first = vanished[0]
        because = f"{len(vanished)} results were acknowledged and never counted: {first.task} of {first.by}"
        told = [went_well[first.task, first.token], first]
        return failed(
            NAME,
            because,
            measured=len(vanished),
            threshold=0,
            margin=-len(vanished),
            evidence=show(history, told),
        )
    because = f"all {len(acknowledged)} results that were acknowledged were counted or refused"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="Every result that was acknowledged was counted, or refused with a reason.",
    judge=judge,
    rests_on=(COORDINATOR, WORKERS),
    always=True,
)
