"""Changes of containers (paused, unplugged, limited, ended) that no fault of the run explains. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from chaos.evidence import ContainerEffect
from driver.histories.events import ContainerChange, ContainerExited, ContainersRead, EngineAction
from driver.histories.history import History
from driver.histories.intervals import Interval, difference, length_ns, union
from driver.histories.run_timeline import EARLY_EFFECT_NS, PROCESS_ENDING, RunTimeline, run_timeline
from wire.events import Event

SLACK_NS = 1_000_000_000
"""A state is read at most this long after a change, and a driver's call ends this long after its effect."""
CALL_NS = 20_000_000_000
"""A fault that failed to begin hit its first target at most this long before it failed."""
MOVES_NS = 5_000_000_000
"""A container leaves its networks before it ends, and joins them before it starts, by at most this."""

_BEGINS = {"pause": ContainerEffect.paused, "disconnect": ContainerEffect.unplugged}
_ENDS = {"unpause": ContainerEffect.paused, "connect": ContainerEffect.unplugged}
_RUNNING = ("running", "paused")


@dataclass(frozen=True)
class UnexplainedChange:
    """A change of one container that no fault of the run explains, from its begin to its end.

    `seen_ns` is when it was observed last: a late answer of the engine reports an end that happened before.
    """

    container: str
    change: ContainerEffect
    from_ns: int
    until_ns: int
    shown_by: Event
    seen_ns: int


def unexplained_changes(history: History) -> list[UnexplainedChange]:
    """Return each pause, network change and limit that no fault explains, until the run's end."""
    run = history.view(run_timeline)
    states: dict[str, list[Event]] = {}
    for event in history.merged(ContainerChange, EngineAction):
        if isinstance(event, ContainerChange | EngineAction) and event.at_ns <= run.end_ns:
            states.setdefault(event.container, []).append(event)
    found = []
    reads = history.of(ContainersRead)
    for name, events in states.items():
        for one in _changes(name, events, reads, run.end_ns):
            rest = difference([(one.from_ns, one.seen_ns)], _explained(run, name, one.change))
            if length_ns(rest) > 0:
                found.append(one)
    return sorted(found, key=lambda one: one.from_ns)


def can_end(run: RunTimeline, name: str, from_ns: int, until_ns: int) -> bool:
    """Whether a fault that can end a container's process was on it at some time between two instants.

    A fault that failed to begin may have ended some of its targets, so it explains every later end.
    """
    half_begun = (failed for failed in run.failed if name in failed.targets)
    if any(failed.kind in PROCESS_ENDING and failed.at_ns - CALL_NS <= until_ns for failed in half_begun):
        return True
    return any(
        name in window.targets
        and ContainerEffect.ended in window.changes
        and window.due_ns - EARLY_EFFECT_NS <= until_ns
        and (window.ended_ns is None or window.ended_ns + EARLY_EFFECT_NS >= from_ns)
        for window in run.faults
    )


def unplanned_exits(history: History, names: Iterable[str]) -> list[ContainerExited]:
    """Return the ends of these containers' processes, before the run's end, that no fault explains."""
    run = history.view(run_timeline)
    wanted = set(names)
    return [
        one
        for one in history.of(ContainerExited)
        if one.container in wanted and one.at_ns <= run.end_ns
        and not can_end(run, one.container, one.at_ns, one.at_ns)
    ]  # fmt: skip


def killed_by_others(history: History, exited: ContainerExited) -> EngineAction | None:
    """Return the kill that the engine reported just before a container's end, if there was one."""
    return next(
        (
            action
            for action in history.of(EngineAction)
            if action.container == exited.container and action.action == "kill"
            and 0 <= exited.at_ns - action.at_ns <= 20 * SLACK_NS
        ),
        None,
    )  # fmt: skip


def _explained(run: RunTimeline, name: str, change: ContainerEffect) -> list[Interval]:
    return union(
        (window.due_ns - SLACK_NS, (window.ended_ns or run.end_ns) + SLACK_NS)
        for window in run.faults
        if name in window.targets and change in window.changes
    )


def _changes(
    name: str, events: list[Event], reads: Sequence[ContainersRead], end_ns: int
) -> Iterator[UnexplainedChange]:
    """Yield each difference of a container from its initial state, with its begin and end."""
    first = next((one for one in events if isinstance(one, ContainerChange)), None)
    exits_ns = [
        one.at_ns for one in events if isinstance(one, EngineAction) and one.action in ("die", "start")
    ]
    since: dict[ContainerEffect, Event] = {}
    for event in events:
        for change, is_on in _says(event, first, exits_ns):
            if is_on:
                since.setdefault(change, event)
            elif (began := since.pop(change, None)) is not None:
                from_ns = _begin_ns(began)
                seen_ns = max(from_ns + 1, _seen_ns(event, reads))
                yield UnexplainedChange(name, change, from_ns, event.at_ns, began, seen_ns)
    for change, began in since.items():
        yield UnexplainedChange(name, change, _begin_ns(began), end_ns, began, end_ns)


def _says(
    event: Event, first: ContainerChange | None, exits_ns: list[int]
) -> Iterator[tuple[ContainerEffect, bool]]:
    """Yield the changes that an event reports, each with whether it is on from then."""
    if isinstance(event, EngineAction):
        # A container that ends or starts leaves and joins its networks by itself.
        moves = any(abs(at_ns - event.at_ns) <= MOVES_NS for at_ns in exits_ns)
        for actions, is_on in ((_BEGINS, True), (_ENDS, False)):
            change = actions.get(event.action)
            if change is ContainerEffect.paused or (change is ContainerEffect.unplugged and not moves):
                yield change, is_on
    elif isinstance(event, ContainerChange) and first is not None:
        yield ContainerEffect.paused, event.status == "paused"
        # A container that does not run is off its networks by itself: one that its engine restarts, too.
        yield ContainerEffect.unplugged, event.status in _RUNNING and first.plugged and not event.plugged
        yield ContainerEffect.slowed, event.cpus != first.cpus
        yield ContainerEffect.squeezed, event.memory_bytes != first.memory_bytes


def _seen_ns(event: Event, reads: Sequence[ContainersRead]) -> int:
    """Return when a change that is over by this event was observed last: a state is true at some time after
    it was asked for.
    """
    before = bisect_left(reads, event.at_ns, key=attrgetter("at_ns"))
    return reads[before - 1].asked_ns if before and isinstance(event, ContainerChange) else event.at_ns


def _begin_ns(event: Event) -> int:
    return event.asked_ns if isinstance(event, ContainerChange) else event.at_ns
