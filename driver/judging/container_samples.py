"""Whether a container fault held through its window, by samples and engine events in it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from operator import attrgetter

from chaos.evidence import ContainerEffect, ContainerEvidence, ContainerStatus, ProofGap
from chaos.fault import ContainerFault
from driver.histories import events as driver
from driver.histories.history import History
from driver.judging.injected_faults import ContainerSample, InjectedFault

MAX_GAP_NS = 2_000_000_000
"""The largest gap between two samples; the time between samples further apart is not proved."""
CALL_NS = 100_000_000
"""The engine reports an action of the driver at most this long before or after the call."""
DIES_NS = 500_000_000
"""The engine reports a kill when the signal is sent, and the container as running for at most this longer."""

_LIMITS = (ContainerEffect.slowed, ContainerEffect.squeezed)
_STATUS = {"die": "exited", "start": "running", "pause": "paused", "unpause": "running"}
_PLUGGED = {"connect": True, "disconnect": False}
# A fault that changes several things of a container is judged by the first of these.
_ORDER = (
    ContainerEffect.unplugged,
    ContainerEffect.slowed,
    ContainerEffect.squeezed,
    ContainerEffect.paused,
    ContainerEffect.ended,
)


@dataclass(frozen=True)
class _Point:
    """One observation whether the fault was on: a sample taken from `from_ns` to `at_ns`, or an event."""

    from_ns: int
    at_ns: int
    holds: bool
    what: str
    is_sample: bool


def container_samples(history: History, containers: Collection[str]) -> list[ContainerSample]:
    """Return every sample of these containers, in order of time."""
    reads = history.of(driver.ContainersRead)
    changes: dict[str, list[driver.ContainerChange]] = {name: [] for name in containers}
    for change in history.of(driver.ContainerChange):
        if change.container in changes:
            changes[change.container].append(change)
    samples = []
    for name, states in changes.items():
        last = -1
        for one in reads:
            while last + 1 < len(states) and states[last + 1].at_ns <= one.at_ns:
                last += 1
            if last >= 0:
                now = states[last]
                samples.append(
                    ContainerSample(
                        name, one.at_ns, now.status, now.plugged, now.cpus, now.memory_bytes,
                        asked_ns=one.asked_ns, closely=name in one.closely,
                    )
                )  # fmt: skip
    return sorted(samples, key=attrgetter("at_ns"))


def gaps(
    injected: InjectedFault,
    fault: ContainerFault,
    name: str,
    until_ns: int,
    samples: Iterable[ContainerSample],
    actions: Iterable[driver.EngineAction],
    faults: Sequence[InjectedFault],
) -> tuple[ProofGap, ...]:
    """Return the parts of one container's window in which the fault is not proved to be on, in order.

    `samples` and `actions` are those of this container, `faults` all of the run: an action that the driver
    requested contradicts nothing.
    """
    if not fault.lasting:
        return ()
    from_ns = injected.began_ns[name]
    # Filtered first: a long run has thousands for each of its faults.
    samples = [one for one in samples if from_ns <= one.from_ns and one.at_ns <= until_ns]
    actions = [one for one in actions if from_ns <= one.at_ns <= until_ns]
    points = sorted(
        (*_from_samples(fault, samples), *_from_events(fault, name, actions, faults)),
        key=attrgetter("at_ns", "from_ns"),
    )
    if _judged_change(fault) is ContainerEffect.ended:
        points = list(dropwhile(lambda one: _is_early(one, from_ns), points))
    if fault.begins_when_asked:
        # An orderly stop begins before the process has ended.
        first = next((index for index, one in enumerate(points) if one.holds), len(points))
        from_ns, points = points[first].at_ns if first < len(points) else until_ns, points[first:]
    return tuple(_walk(from_ns, until_ns, points))


def proved_ratio(seen: ContainerEvidence) -> float:
    """Return the share of a fault's window in which it is proved to be on."""
    length_ns = seen.until_ns - seen.from_ns
    lacking_ns = sum(gap.until_ns - gap.from_ns for gap in seen.gaps)
    return max(0.0, 1.0 - lacking_ns / length_ns) if length_ns > 0 else 1.0


def gaps_sentence(seen: ContainerEvidence) -> str:
    """Return the gaps as a sentence; seconds count from the fault's begin."""
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
    """Yield the gaps between points; the fault's begin is the first point that holds."""
    proved_ns, broken_ns, because = from_ns, None, ""
    for point in points:
        if point.is_sample and not point.holds and broken_ns is None and point.from_ns < proved_ns:
            # It was requested before the fault was observed to be on, and may have been answered before it.
            continue
        if point.holds:
            if broken_ns is not None:
                yield ProofGap(broken_ns, point.at_ns, because)
            elif point.at_ns - proved_ns > MAX_GAP_NS:
                yield ProofGap(proved_ns, point.at_ns, "no sample was taken")
            proved_ns, broken_ns = point.at_ns, None
        elif broken_ns is None:
            broken_ns, because = (proved_ns if point.is_sample else point.at_ns), point.what
    if broken_ns is not None:
        yield ProofGap(broken_ns, until_ns, because)
    elif until_ns - proved_ns > MAX_GAP_NS:
        yield ProofGap(proved_ns, until_ns, "no sample was taken")


def _from_samples(fault: ContainerFault, samples: Iterable[ContainerSample]) -> Iterable[_Point]:
    limits = any(change in fault.changes for change in _LIMITS)
    for sample in samples:
        if sample.closely or not limits:
            yield _Point(sample.from_ns, sample.at_ns, fault.holds(sample.state), _words(sample.state), True)


def _from_events(
    fault: ContainerFault, name: str, actions: Iterable[driver.EngineAction], faults: Sequence[InjectedFault]
) -> Iterable[_Point]:
    judged = _judged_change(fault)
    for action in actions:
        if any(_is_own_action(one, name, action.at_ns) for one in faults):
            continue
        if judged in _LIMITS:
            holds: bool | None = False if action.action == "update" else None
        elif judged is ContainerEffect.unplugged:
            plugged = _PLUGGED.get(action.action)
            holds = None if plugged is None else fault.holds(ContainerStatus("running", plugged))
        else:
            status = _STATUS.get(action.action)
            holds = None if status is None else fault.holds(ContainerStatus(status))
        if holds is not None:
            what = f"the engine reported {action.action}, which this run did not ask for"
            yield _Point(action.at_ns, action.at_ns, holds, what, False)


def _judged_change(fault: ContainerFault) -> ContainerEffect:
    return next(change for change in _ORDER if change in fault.changes)


def _is_early(point: _Point, from_ns: int) -> bool:
    """Whether a sample shows a process alive that was killed just before it."""
    return point.is_sample and not point.holds and point.from_ns <= from_ns + DIES_NS


def _is_own_action(fault: InjectedFault, name: str, at_ns: int) -> bool:
    """Whether the driver was applying or removing a fault on a container at an instant."""
    if name not in fault.targets:
        return False
    began_ns = fault.began_ns.get(name, fault.called_ns)
    if fault.called_ns - CALL_NS <= at_ns <= began_ns + CALL_NS:
        return True
    ended_ns = fault.ended_ns.get(name)
    return (
        fault.end_called_ns is not None
        and ended_ns is not None
        and fault.end_called_ns - CALL_NS <= at_ns <= ended_ns + CALL_NS
    )


def _words(state: ContainerStatus) -> str:
    network = "" if state.plugged else ", off the network"
    cpus = "" if state.cpus is None else f", {state.cpus:g} cores"
    memory = "" if state.memory_bytes is None else f", {state.memory_bytes} bytes of memory"
    return f"it was {state.status}{network}{cpus}{memory}"
