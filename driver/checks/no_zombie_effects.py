"""Nothing counts that comes from an attempt whose task was given to somebody else in the meantime."""

from __future__ import annotations

from collections.abc import Sequence

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.history import COORDINATOR, History
from driver.metrics import Metrics
from wire.events import Assigned, CheckpointCommitted, Event, ResultRefused, TaskDone

NAME = "no_zombie_effects"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Every counted result and kept checkpoint carries the newest token that its task had at that instant."""
    newest: dict[str, Assigned] = {}
    stale: list[Sequence[Event]] = []
    ungiven: list[Sequence[Event]] = []
    effects = 0
    for event in history.merged(Assigned, CheckpointCommitted, TaskDone):
        if isinstance(event, Assigned):
            newest[event.task] = event
        elif isinstance(event, TaskDone | CheckpointCommitted):
            effects += 1
            given = newest.get(event.task)
            if given is None:
                ungiven.append((event,))
            elif given.token != event.token:
                stale.append((given, event))
    refused = [event for event in history.of(ResultRefused) if event.because == "stale"]
    for wrong, what in (
        (stale, "effects of stale attempts counted, where a newer token had been given out"),
        (ungiven, "effects counted of tasks that had been given to nobody"),
    ):
        if wrong:
            return failed(
                NAME,
                f"{len(wrong)} {what}",
                measured=len(wrong),
                threshold=0,
                margin=-len(wrong),
                evidence=show(history, wrong[0]),
            )
    if not effects:
        return unknown(NAME, "no result was counted and no checkpoint kept")
    because = (
        f"all {effects} results and checkpoints are of the newest attempt; {len(refused)} stale were refused"
    )
    return passed(NAME, because, measured=0, threshold=0, margin=0)


CHECK = Check(
    name=NAME,
    claims="No result or checkpoint of a stale attempt counted.",
    judge=judge,
    rests_on=(COORDINATOR,),
    always=True,
)
