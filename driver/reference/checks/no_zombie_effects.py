"""No result or checkpoint of a stale attempt counts: one whose task has been reassigned since."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.history import SERVER, History
from driver.metrics import Metrics
from wire.events import Event
from wire.task_events import Assigned, CheckpointCommitted, ResultRefused, TaskDone

NAME = "no_zombie_effects"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Compare each recorded result and checkpoint with its task's newest fencing token at that instant."""
    newest: dict[str, Assigned] = {}
    stale: list[Sequence[Event]] = []
    unassigned: list[Sequence[Event]] = []
    effects = 0
    for event in history.merged(Assigned, CheckpointCommitted, TaskDone):
        if isinstance(event, Assigned):
            newest[event.task] = event
        elif isinstance(event, TaskDone | CheckpointCommitted):
            effects += 1
            assigned = newest.get(event.task)
            if assigned is None:
                unassigned.append((event,))
            elif assigned.token != event.token:
                stale.append((assigned, event))
    refused = [event for event in history.of(ResultRefused) if event.because == "stale"]
    for wrong, what in (
        (stale, "effects of stale attempts counted, although a newer token was assigned"),
        (unassigned, "effects counted of tasks that were never assigned"),
    ):
        if wrong:
            return violated(NAME, f"{len(wrong)} {what}", len(wrong), show(history, wrong[0]))
    if not effects:
        return unknown(NAME, "no result and no checkpoint was recorded")
    because = (
        f"all {effects} results and checkpoints are of the newest attempt; {len(refused)} stale were refused"
    )
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    rank=80,
    claim="No result or checkpoint of a stale attempt counted.",
    judge=judge,
    broken_by=("assignment_forgotten",),
    requires=(SERVER,),
    always=True,
    decided=of_any_load,
)
