"""No worker and no coordinator ended, unless a fault that can end it was on it: a crash is a failure even
where others make up for it.
"""

from __future__ import annotations

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, failed, passed, show, unknown
from driver.histories.container_changes import asked_by_others, can_end, unplanned_exits
from driver.histories.events import ContainerExited, FinalContainerState
from driver.histories.history import COORDINATOR, DRIVER, History
from driver.histories.journal_gaps import ALIVE
from driver.histories.run_timeline import RunTimeline, run_timeline
from driver.metrics import Metrics
from wire.events import Event, ProcessStarted, ProcessStopping, ReconnectAbandoned

NAME = "no_process_died"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Looks at what the engine says at the end, and for lives that ended while no fault was aimed at them."""
    run = history.view(run_timeline)
    processes = [COORDINATOR, *history.workers]
    lives = sum(1 for started in history.of(ProcessStarted) if started.by in processes)
    if not lives:
        return unknown(NAME, "no process ever wrote that it started")
    for seen in history.of(FinalContainerState):
        if seen.container in processes and seen.status not in ALIVE:
            why = ", out of memory" if seen.out_of_memory else ""
            because = f"{seen.container} was {seen.status} at the end, exit code {seen.exit_code}{why}"
            told = [*history.by(seen.container)[-2:], seen]
            return failed(NAME, because, measured=1, threshold=0, margin=-1, evidence=show(history, told))
    for given_up in history.of(ReconnectAbandoned)[:1]:
        # Whatever fault was on: none of them is a reason never to ask again.
        because = f"{given_up.by} gave up for good: {given_up.reason}"
        return failed(NAME, because, measured=1, threshold=0, margin=-1, evidence=show(history, [given_up]))
    for exited in unplanned_exits(history, processes)[:1]:
        because = _how(history, exited, run)
        return failed(NAME, because, measured=1, threshold=0, margin=-1, evidence=show(history, [exited]))
    for process in processes:
        ends = _ends_without_cause(history, process, run)
        if ends:
            because = f"{process} ended {len(ends)} times by itself, and no fault that can end it was on it"
            return failed(NAME, because, measured=len(ends), threshold=0, margin=-len(ends),
                          evidence=show(history, ends[0]))  # fmt: skip
    return passed(
        NAME, f"{lives} lives of {len(processes)} processes ended in order, or by a fault", measured=0
    )


def _ends_without_cause(history: History, process: str, run: RunTimeline) -> list[list[Event]]:
    """The ends of lives before the run's end: the last line of each, and the first of the next one."""
    ends: list[list[Event]] = []
    last: Event | None = None
    for event in history.by(process):
        died = (
            isinstance(event, ProcessStarted) and last is not None and not isinstance(last, ProcessStopping)
        )
        left = isinstance(event, ProcessStopping) and event.at_ns <= run.end_ns
        if died and last is not None and not can_end(run, process, last.at_ns, event.at_ns):
            ends.append([last, event])
        elif left and not can_end(run, process, event.at_ns, event.at_ns):
            ends.append([event])
        last = event
    return ends


def _how(history: History, exited: ContainerExited, run: RunTimeline) -> str:
    """One end of a process, in words."""
    killed = asked_by_others(history, exited)
    asked = f" after the engine was asked by others to send it signal {killed.detail}" if killed else ""
    memory = ", out of memory" if exited.out_of_memory else ""
    said = f"; its last line: {exited.log[-1]}" if exited.log else ""
    return (
        f"{exited.container} ended at {run.at_s(exited.at_ns):.1f} s with exit code "
        f"{exited.exit_code}{memory}{asked}, and no fault that can end it was on it{said}"
    )


CHECK = Check(
    name=NAME,
    claims="No worker and no coordinator ended, unless a fault that can end it was on it.",
    judge=judge,
    always=True,
    rests_on=(DRIVER,),
)
