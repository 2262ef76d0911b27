"""Every result that was acknowledged to its worker was recorded, or refused with a reason."""

from __future__ import annotations

from collections import Counter

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.histories.journal_gaps import CLIENTS
from driver.histories.refusals import omitted_of
from driver.metrics import Metrics
from wire.task_events import Finished, ResultAcknowledged, ResultRefused, TaskDone

NAME = "acknowledged_results_stand"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Compare acknowledgements with results, of attempts without an error: a failed one may be retried."""
    acknowledged = history.of(ResultAcknowledged)
    if not acknowledged:
        return unknown(NAME, "no result was acknowledged")
    recorded = {(event.task, event.token) for event in history.of(TaskDone)}
    recorded |= {(event.task, event.token) for event in history.of(ResultRefused)}
    succeeded = {(event.task, event.token): event for event in history.of(Finished) if not event.error}
    vanished = [
        event
        for event in acknowledged
        if (event.task, event.token) in succeeded and (event.task, event.token) not in recorded
    ]
    lines_missing = Counter(event.by for event in vanished)
    if vanished and all(
        omitted_of(history, ResultRefused, worker) >= count for worker, count in lines_missing.items()
    ):
        because = (
            f"{len(vanished)} acknowledged results have no event, and refusals of a flood have none either"
        )
        return unknown(NAME, because)
    if vanished:
        first = vanished[0]
        because = f"{len(vanished)} results were acknowledged and never recorded: {first.task} of {first.by}"
        events = [succeeded[first.task, first.token], first]
        return violated(NAME, because, len(vanished), show(history, events))
    because = f"all {len(acknowledged)} results that were acknowledged were recorded or refused"
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=100,
    claim="Every result that was acknowledged was recorded, or refused with a reason.",
    judge=judge,
    broken_by=("result_forgotten",),
    requires=(SERVER, CLIENTS),
    always=True,
    decided=of_any_load,
)
