"""Changes of containers that no fault of the run explains: others paused, unplugged or limited one. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from chaos.evidence import Change
from driver.histories.course import BEFORE_NS, ENDING, Course, course
from driver.histories.events import ContainerExited, ContainersRead, ContainerState, EngineAction
from driver.histories.history import History
from driver.histories.intervals import Interval, difference, length_ns, union
from wire.events import Event

SLACK_NS = 1_000_000_000
"""A look is so much later than a change, and a call of the driver so much later than what it did."""
CALL_NS = 20_000_000_000
"""So long before it failed at most, a fault that could not begin may have hit its first target."""
MOVES_NS = 5_000_000_000
"""A container leaves its networks before it ends, and enters them before it starts: by so much at most."""

_BEGINS = {"pause": Change.paused, "disconnect": Change.unplugged}
_ENDS = {"unpause": Change.paused, "connect": Change.unplugged}


@dataclass(frozen=True)
class Disturbance:
    """A change of one container that no fault of the run explains, from its begin to its end.

    `seen_ns` is when it was seen last: what an engine that answers late shows to be over was over before.
    """

    container: str
    change: Change
    from_ns: int
    until_ns: int
    shown_by: Event
    seen_ns: int


def disturbances(history: History) -> list[Disturbance]:
    """Every pause, cut network and limit that no fault explains, between the run's `ready` and its end."""
    run = history.view(course)
    states: dict[str, list[Event]] = {}
    for event in history.merged(ContainerState, EngineAction):
        if isinstance(event, ContainerState | EngineAction) and event.at_ns <= run.end_ns:
            states.setdefault(event.container, []).append(event)
    found = []
    looks = history.of(ContainersRead)
    for name, events in states.items():
        for one in _changes(name, events, looks, run.end_ns):
            rest = difference([(one.from_ns, one.seen_ns)], _explained(run, name, one.change))
            if length_ns(rest) > 0:
                found.append(one)
    return sorted(found, key=lambda one: one.from_ns)


def can_end(run: Course, name: str, from_ns: int, until_ns: int) -> bool:
    """Whether a fault that can end a container's process was on it at some time between two instants.

    One that could not begin on all its targets may have ended some of them: from then on nothing follows.
    """
    half_begun = (failed for failed in run.failed if name in failed.targets)
    if any(failed.kind in ENDING and failed.at_ns - CALL_NS <= until_ns for failed in half_begun):
        return True
    return any(
        name in window.targets
        and Change.ended in window.changes
        and window.due_ns - BEFORE_NS <= until_ns
        and (window.ended_ns is None or window.ended_ns + BEFORE_NS >= from_ns)
        for window in run.faults
    )


def unplanned_exits(history: History, names: Iterable[str]) -> list[ContainerExited]:
    """Ends of these containers' processes before the run's end that no fault explains, in order of time."""
    run = history.view(course)
    wanted = set(names)
    return [
        one
        for one in history.of(ContainerExited)
        if one.container in wanted and one.at_ns <= run.end_ns
        and not can_end(run, one.container, one.at_ns, one.at_ns)
    ]  # fmt: skip


def asked_by_others(history: History, exited: ContainerExited) -> EngineAction | None:
    """The request to the engine that ended a container, if there was one just before."""
    return next(
        (
            action
            for action in history.of(EngineAction)
            if action.container == exited.container and action.action == "kill"
            and 0 <= exited.at_ns - action.at_ns <= 20 * SLACK_NS
        ),
        None,
    )  # fmt: skip


def _explained(run: Course, name: str, change: Change) -> list[Interval]:
    return union(
        (window.due_ns - SLACK_NS, (window.ended_ns or run.end_ns) + SLACK_NS)
        for window in run.faults
        if name in window.targets and change in window.changes
    )


def _changes(
    name: str, events: list[Event], looks: Sequence[ContainersRead], end_ns: int
) -> Iterator[Disturbance]:
    """How a container differed from how it was made, change by change."""
    first = next((one for one in events if isinstance(one, ContainerState)), None)
    exits_ns = [
        one.at_ns for one in events if isinstance(one, EngineAction) and one.action in ("die", "start")
    ]
    since: dict[Change, Event] = {}
    for event in events:
        for change, is_on in _says(event, first, exits_ns):
            if is_on:
                since.setdefault(change, event)
            elif (began := since.pop(change, None)) is not None:
                from_ns = _begin_ns(began)
                seen_ns = max(from_ns + 1, _seen_ns(event, looks))
                yield Disturbance(name, change, from_ns, event.at_ns, began, seen_ns)
    for change, began in since.items():
        yield Disturbance(name, change, _begin_ns(began), end_ns, began, end_ns)


def _says(event: Event, first: ContainerState | None, exits_ns: list[int]) -> Iterator[tuple[Change, bool]]:
    """What an event says about changes: which, and whether it is on from then."""
    if isinstance(event, EngineAction):
        # A container that ends or starts leaves and enters its networks by itself.
        moves = any(abs(at_ns - event.at_ns) <= MOVES_NS for at_ns in exits_ns)
        for actions, is_on in ((_BEGINS, True), (_ENDS, False)):
            change = actions.get(event.action)
            if change is Change.paused or (change is Change.unplugged and not moves):
                yield change, is_on
    elif isinstance(event, ContainerState) and first is not None:
        yield Change.paused, event.status == "paused"
        yield Change.unplugged, first.plugged and not event.plugged
        yield Change.slowed, event.cpus != first.cpus
        yield Change.squeezed, event.memory_bytes != first.memory_bytes


def _seen_ns(event: Event, looks: Sequence[ContainersRead]) -> int:
    """When a change was seen last that is over by this event: a look shows it at some time from when it was
    asked for.
    """
    before = bisect_left(looks, event.at_ns, key=attrgetter("at_ns"))
    return looks[before - 1].asked_ns if before and isinstance(event, ContainerState) else event.at_ns


def _begin_ns(event: Event) -> int:
    return event.asked_ns if isinstance(event, ContainerState) else event.at_ns
