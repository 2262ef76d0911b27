"""Every worker under a fault that cuts really lost its connection, and came back."""

from __future__ import annotations

from driver.checks.check import Check, Param, Params
from driver.histories.connections import Story, stories
from driver.histories.course import BEFORE_NS, FaultWindow, course
from driver.histories.history import DRIVER, History
from driver.histories.intervals import holds
from driver.judging.findings import Finding, failed, passed, show, unknown
from driver.judging.wholeness import WORKERS
from driver.metrics import Metrics

NAME = "workers_were_cut_off"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Not cut off: unknown, since the fault was none. Cut off and never back: failed."""
    run = history.view(course)
    told = history.view(stories)
    cutting = [window for window in run.faults if window.cuts]
    if not cutting:
        return _without_cuts(params)
    never_back = [story for story in told.values() if story.own and not holds_at_end(story, run.end_ns)]
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


def was_cut_off(story: Story, window: FaultWindow) -> bool:
    """Whether a worker was without connection in a fault: broken in it, or already down when it began."""
    ended_ns = window.ended_ns if window.ended_ns is not None else window.began_ns
    for outage in story.outages:
        back_ns = outage.back_ns
        began_inside = window.due_ns - BEFORE_NS <= outage.broken_ns <= ended_ns + BEFORE_NS
        lasted_into = outage.broken_ns < window.began_ns and (back_ns is None or back_ns > window.began_ns)
        if began_inside or lasted_into:
            return True
    return False


def holds_at_end(story: Story, end_ns: int) -> bool:
    """Whether a worker believed itself connected when judging ends."""
    return holds(story.own, end_ns - 1)


def _without_cuts(params: Params) -> Finding:
    if params["required"]:
        return unknown(
            NAME, "no fault that cuts connections was begun, and the scenario is about nothing else"
        )
    return passed(NAME, "no fault of this run is meant to cut connections")


def _names(told: list[Story]) -> str:
    return ", ".join(story.worker for story in told[:5]) + (", …" if len(told) > 5 else "")


CHECK = Check(
    name=NAME,
    claims="Every worker under a fault that cuts lost its connection and came back.",
    judge=judge,
    rests_on=(DRIVER, WORKERS),
    always=True,
    params={
        "required": Param(0, "1: a run without such faults is unknown (set when a scenario names this check)")
    },
)
