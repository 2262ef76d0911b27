"""Whether a container fault held through its window, by looks and engine events in it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from operator import attrgetter

from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, ProofGap
from chaos.fault import ContainerFault
from driver.histories import events as driver
from driver.histories.history import History
from driver.judging.acts import Act, Sight

LOOK_ALLOWS_NS = 2_000_000_000
"""Two looks may lie so far apart; what lies between looks that are farther apart is not proved."""
CALL_NS = 100_000_000
"""The engine reports an action of the driver's own so long before or after the call at most."""
DIES_NS = 500_000_000
"""The engine reports a kill when the signal is sent, and calls the container running for so much longer."""

_LIMITS = (ContainerEffect.slowed, ContainerEffect.squeezed)
_STATUS = {"die": "exited", "start": "running", "pause": "paused", "unpause": "running"}
_PLUGGED = {"connect": True, "disconnect": False}
# A fault that can do several things to a container is held to the first of these.
_ORDER = (
    ContainerEffect.unplugged,
    ContainerEffect.slowed,
    ContainerEffect.squeezed,
    ContainerEffect.paused,
    ContainerEffect.ended,
)


@dataclass(frozen=True)
class _Point:
    """One thing that says whether the fault was on: a look from `from_ns` to `at_ns`, or an event."""

    from_ns: int
    at_ns: int
    holds: bool
    what: str
    is_look: bool


def sights_of(history: History, containers: Collection[str]) -> list[Sight]:
    """Every look at these containers, in order of time."""
    rounds = history.of(driver.ContainersRead)
    changes: dict[str, list[driver.ContainerChange]] = {name: [] for name in containers}
    for change in history.of(driver.ContainerChange):
        if change.container in changes:
            changes[change.container].append(change)
    sights = []
    for name, states in changes.items():
        place = -1
        for one in rounds:
            while place + 1 < len(states) and states[place + 1].at_ns <= one.at_ns:
                place += 1
            if place >= 0:
                now = states[place]
                sights.append(
                    Sight(
                        name, one.at_ns, now.status, now.plugged, now.cpus, now.memory_bytes,
                        asked_ns=one.asked_ns, closely=name in one.closely,
                    )
                )  # fmt: skip
    return sorted(sights, key=attrgetter("at_ns"))


def gaps(
    act: Act,
    fault: ContainerFault,
    name: str,
    until_ns: int,
    sights: Iterable[Sight],
    actions: Iterable[driver.EngineAction],
    acts: Sequence[Act],
) -> tuple[ProofGap, ...]:
    """The parts of one container's window in which it is not proved that the fault was on, in order.

    `sights` and `actions` are those of this container, `acts` all of the run: what the engine did for the
    driver is no contradiction.
    """
    if not fault.lasting:
        return ()
    from_ns = act.began_ns[name]
    # Before anything is made of them: a long run has thousands for each of its faults.
    sights = [one for one in sights if from_ns <= one.from_ns and one.at_ns <= until_ns]
    actions = [one for one in actions if from_ns <= one.at_ns <= until_ns]
    points = sorted(
        (*_looks(fault, sights), *_events(fault, name, actions, acts)), key=attrgetter("at_ns", "from_ns")
    )
    if _concern(fault) is ContainerEffect.ended:
        points = list(dropwhile(lambda one: _is_early(one, from_ns), points))
    if fault.begins_when_asked:
        # An orderly stop takes its time before it is one.
        first = next((place for place, one in enumerate(points) if one.holds), len(points))
        from_ns, points = points[first].at_ns if first < len(points) else until_ns, points[first:]
    return tuple(_walk(from_ns, until_ns, points))


def proved_ratio(seen: ContainerEvidence) -> float:
    """The part of a fault's window in which it is proved to have been on."""
    length_ns = seen.until_ns - seen.from_ns
    lacking_ns = sum(gap.until_ns - gap.from_ns for gap in seen.gaps)
    return max(0.0, 1.0 - lacking_ns / length_ns) if length_ns > 0 else 1.0


def sentence(seen: ContainerEvidence) -> str:
    """The gaps as a sentence: seconds count from the fault's begin."""
    named = [
        f"{_seconds(seen, gap.from_ns)} to {_seconds(seen, gap.until_ns)} ({gap.because})"
        for gap in seen.gaps[:3]
    ]
    more = f", and {len(seen.gaps) - 3} more" if len(seen.gaps) > 3 else ""
    length_s = (seen.until_ns - seen.from_ns) / 1e9
    return (
        f"it did not hold through its {length_s:.1f} s: not proved from {', '.join(named)}{more}; "
        f"{proved_ratio(seen):.0%} of the time is proved"
    )


def _seconds(seen: ContainerEvidence, at_ns: int) -> str:
    return f"{(at_ns - seen.from_ns) / 1e9:.1f} s"


def _walk(from_ns: int, until_ns: int, points: Sequence[_Point]) -> Iterable[ProofGap]:
    """The gaps between points, of which the fault's begin counts as the first that holds."""
    proved_ns, broken_ns, because = from_ns, None, ""
    for point in points:
        if point.is_look and not point.holds and broken_ns is None and point.from_ns < proved_ns:
            # It was asked for before the fault was seen to be on, and may have been answered before, too.
            continue
        if point.holds:
            if broken_ns is not None:
                yield ProofGap(broken_ns, point.at_ns, because)
            elif point.at_ns - proved_ns > LOOK_ALLOWS_NS:
                yield ProofGap(proved_ns, point.at_ns, "nothing looked at it")
            proved_ns, broken_ns = point.at_ns, None
        elif broken_ns is None:
            broken_ns, because = (proved_ns if point.is_look else point.at_ns), point.what
    if broken_ns is not None:
        yield ProofGap(broken_ns, until_ns, because)
    elif until_ns - proved_ns > LOOK_ALLOWS_NS:
        yield ProofGap(proved_ns, until_ns, "nothing looked at it")


def _looks(fault: ContainerFault, sights: Iterable[Sight]) -> Iterable[_Point]:
    limits = any(change in fault.changes for change in _LIMITS)
    for sight in sights:
        if sight.closely or not limits:
            yield _Point(sight.from_ns, sight.at_ns, fault.holds(sight.state), _words(sight.state), True)


def _events(
    fault: ContainerFault, name: str, actions: Iterable[driver.EngineAction], acts: Sequence[Act]
) -> Iterable[_Point]:
    concern = _concern(fault)
    for action in actions:
        if any(_called(act, name, action.at_ns) for act in acts):
            continue
        if concern in _LIMITS:
            holds: bool | None = False if action.action == "update" else None
        elif concern is ContainerEffect.unplugged:
            plugged = _PLUGGED.get(action.action)
            holds = None if plugged is None else fault.holds(ContainerStatus("running", plugged))
        else:
            status = _STATUS.get(action.action)
            holds = None if status is None else fault.holds(ContainerStatus(status))
        if holds is not None:
            what = f"the engine reported {action.action}, which this run did not ask for"
            yield _Point(action.at_ns, action.at_ns, holds, what, False)


def _concern(fault: ContainerFault) -> ContainerEffect:
    return next(change for change in _ORDER if change in fault.changes)


def _is_early(point: _Point, from_ns: int) -> bool:
    """Whether a look still finds alive what was killed just before."""
    return point.is_look and not point.holds and point.from_ns <= from_ns + DIES_NS


def _called(act: Act, name: str, at_ns: int) -> bool:
    """Whether an act of the driver's own on a container was under way at an instant."""
    if name not in act.targets:
        return False
    began_ns = act.began_ns.get(name, act.called_ns)
    if act.called_ns - CALL_NS <= at_ns <= began_ns + CALL_NS:
        return True
    ended_ns = act.ended_ns.get(name)
    return (
        act.end_called_ns is not None
        and ended_ns is not None
        and act.end_called_ns - CALL_NS <= at_ns <= ended_ns + CALL_NS
    )


def _words(state: ContainerStatus) -> str:
    network = "" if state.plugged else ", off the network"
    cpus = "" if state.cpus is None else f", {state.cpus:g} cores"
    memory = "" if state.memory_bytes is None else f", {state.memory_bytes} bytes of memory"
    return f"it was {state.status}{network}{cpus}{memory}"
