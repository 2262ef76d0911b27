"""No process under test ended, unless a fault that can end it was on it: a crash is a failure even where
other processes compensate for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from driver.checks.check import Check, Param, Params, of_any_load
from driver.checks.finding import Finding, passed, show, unknown, violated
from driver.histories.container_changes import can_end, killed_by_others, unplanned_exits
from driver.histories.events import ContainerChange, ContainerExited, FinalContainerState
from driver.histories.history import DRIVER, History
from driver.histories.journal_gaps import ALIVE
from driver.histories.link_names import is_link, touches
from driver.histories.run_timeline import FaultWindow, RunTimeline, run_timeline
from driver.metrics import Metrics
from wire.events import Event, ProcessStarted, ProcessStopping, ReconnectAbandoned

NAME = "no_process_died"


def judge(history: History, metrics: Metrics, params: Params) -> Finding:
    """Read the engine's final states, and find processes that ended without a fault on them."""
    run = history.view(run_timeline)
    processes = history.tested
    starts = sum(1 for started in history.of(ProcessStarted) if started.by in processes)
    if not starts:
        return unknown(NAME, "no process recorded its start")
    for seen in history.of(FinalContainerState):
        if seen.container in processes and seen.status not in ALIVE:
            return _dead(history, seen)
    for given_up in history.of(ReconnectAbandoned)[:1]:
        # No fault is a reason to stop reconnecting for good.
        because = f"{given_up.by} stopped reconnecting for good: {given_up.reason}"
        return violated(NAME, because, 1, show(history, [given_up]))
    for exited in unplanned_exits(history, processes)[:1]:
        because = _how(history, exited, run)
        return violated(NAME, because, 1, show(history, [exited]))
    for process in processes:
        ends = _ends_without_cause(history, process, run)
        if ends:
            because = f"{process} ended {len(ends)} times by itself, and no fault that can end it was on it"
            return violated(NAME, because, len(ends), show(history, ends[0]))  # fmt: skip
    return passed(
        NAME, f"{starts} starts of {len(processes)} processes, each ended in order or by a fault", measured=0
    )


def judge_system(history: History, metrics: Metrics, params: Params) -> Finding:
    """Read the engine's final states. An end that a restart policy made good fails a run only where its
    scenario names this check. A container that had ended before the first fault, or with 0 while no fault
    had touched it, was a job.
    """
    containers, run = history.tested, history.view(run_timeline)
    states = [seen for seen in history.of(FinalContainerState) if seen.container in containers]
    if not states:
        return unknown(NAME, "the engine's final states of the containers are missing")
    ran = {seen.container for seen in history.of(ContainerChange) if seen.status in ALIVE}
    for seen in states:
        if seen.status not in ALIVE and seen.container in ran and not _was_job(history, seen, run):
            return _dead(history, seen)
    exits = [one for one in unplanned_exits(history, containers) if one.exit_code != 0]
    if exits and params["required"]:
        return violated(NAME, _how(history, exits[0], run), len(exits), show(history, exits))
    aside = f"; {_again(exits)}" if exits else ""
    return passed(NAME, f"of {len(states)} containers none stayed dead{aside}", measured=0)


def _was_job(history: History, seen: FinalContainerState, run: RunTimeline) -> bool:
    """Whether a container that does not run at the end had ended before the first fault (of a run without
    faults before its steady state), or ended with 0 and no fault had touched it or a link of its.
    """
    exits = [one.at_ns for one in history.of(ContainerExited) if one.container == seen.container]
    ended_ns = max(exits, default=seen.at_ns)
    gate = run.phases.get("gate")
    steady_ns = gate.ended_ns if gate else None
    first_ns = steady_ns if run.first_fault_ns is None else run.first_fault_ns
    if first_ns is not None and ended_ns < first_ns:
        return True
    earlier = [window for window in run.faults if window.due_ns <= ended_ns]
    return seen.exit_code == 0 and not any(_touched(run, window, seen.container) for window in earlier)


def _touched(run: RunTimeline, window: FaultWindow, container: str) -> bool:
    """Whether a fault was on a container, or on a link at one of whose ends it is."""
    hit = [link for link in run.clients if is_link(link) and window.reaches(link, run.clients)]
    return container in window.targets or any(touches(link, container) for link in (*window.targets, *hit))


def _again(exits: Sequence[ContainerExited]) -> str:
    """Return which containers ended by themselves and were started again, and how often."""
    counts = Counter(one.container for one in exits)
    named = ", ".join(
        f"{name} {'once' if count == 1 else f'{count} times'}" for name, count in counts.items()
    )
    return f"ended by themselves and were started again: {named}"


def _dead(history: History, seen: FinalContainerState) -> Finding:
    """Return the failure for a container that does not run at the end."""
    why = ", out of memory" if seen.out_of_memory else ""
    because = f"{seen.container} was {seen.status} at the end, exit code {seen.exit_code}{why}"
    exits = [one for one in history.of(ContainerExited) if one.container == seen.container]
    because += _last_line(exits[-1]) if exits else ""
    events = [*history.by(seen.container)[-2:], *exits[-1:], seen]
    return violated(NAME, because, 1, show(history, events))


def _ends_without_cause(history: History, process: str, run: RunTimeline) -> list[list[Event]]:
    """Return the unexplained ends of a process: the last event of each, and the first after its restart."""
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
    """Return the sentence about one unplanned end."""
    killed = killed_by_others(history, exited)
    asked = f" after another client of the engine sent it signal {killed.detail}" if killed else ""
    memory = ", out of memory" if exited.out_of_memory else ""
    return (
        f"{exited.container} ended at {run.at_s(exited.at_ns):.1f} s with exit code "
        f"{exited.exit_code}{memory}{asked}, and no fault that can end it was on it{_last_line(exited)}"
    )


def _last_line(exited: ContainerExited) -> str:
    """Return the last line that a process printed, as words; "" where it printed nothing."""
    return f"; its last line: {exited.log[-1]}" if exited.log else ""


CHECK = Check(
    name=NAME,
    rank=120,
    claim="No process under test ended, unless a fault that can end it was on it.",
    judge=judge,
    broken_by=("process_died",),
    on_system=judge_system,
    always=True,
    decided=of_any_load,
    requires=(DRIVER,),
    params={
        "required": Param(
            0, "1: an end that a restart policy made good fails too (set when a scenario names this check)"
        )
    },
)
