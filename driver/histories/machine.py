"""How busy the machine was that a lab ran on, and how late the driver was. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from driver.histories.events import FaultBegun, FaultEnded, MachineSample, TasksAccepted
from driver.histories.history import History

SPAN_NS = 10_000_000_000
"""A machine is judged by what it was on average for so long: a burst is no load."""
FEWEST = 3
RUNNABLE_PER_CORE = 4.0
"""From so many on each process gets a quarter of a core, and waits three times as long as it runs."""
STEAL_RATIO = 0.3
STALLED_RATIO = 0.5
"""Of the time in which all processes wait for a disk, or for memory."""


@dataclass(frozen=True)
class Load:
    """A machine on average over some seconds. Ratios are of the time; None where it does not say."""

    runnable_per_core: float
    steal_ratio: float
    cpu_pressure: float | None
    io_pressure: float | None
    memory_pressure: float | None
    cores: int

    @property
    def too_much(self) -> str:
        """What is too much, as a sentence with the figure; "" when nothing is."""
        if self.runnable_per_core > RUNNABLE_PER_CORE:
            waiting = "" if self.cpu_pressure is None else f" (processor pressure {self.cpu_pressure:.0%})"
            return (
                f"{self.runnable_per_core * self.cores:.0f} processes wanted to run on {self.cores} cores"
                f"{waiting}"
            )
        if self.steal_ratio > STEAL_RATIO:
            return f"other machines took {self.steal_ratio:.0%} of its processor time"
        for what, ratio in (("its disk", self.io_pressure), ("memory", self.memory_pressure)):
            if ratio is not None and ratio > STALLED_RATIO:
                return f"everything waited for {what} for {ratio:.0%} of the time"
        return ""


@dataclass(frozen=True)
class Lateness:
    """Something that the driver did late: what, when it was due, and by how much."""

    what: str
    due_ns: int
    late_s: float


def loads(samples: Sequence[MachineSample]) -> list[Load]:
    """The machine over every ten seconds, or over all samples where there are fewer."""
    found = []
    first = 0
    for place, last in enumerate(samples):
        while samples[first].at_ns < last.at_ns - SPAN_NS:
            first += 1
        if place + 1 - first >= FEWEST:
            found.append(_mean(samples[first : place + 1]))
    return found


def too_busy(samples: Sequence[MachineSample]) -> str:
    """Why this machine was too busy, at its worst; "" when it was not, or when nothing was measured."""
    bad = [one for one in loads(samples) if one.too_much]
    if not bad:
        return ""
    worst = max(bad, key=lambda one: (one.runnable_per_core, one.steal_ratio))
    return f"this machine was too busy: {worst.too_much} over {SPAN_NS / 1e9:.0f} s"


def machine_too_busy(history: History) -> str:
    """`too_busy`, of a run."""
    return too_busy(history.of(MachineSample))


def latenesses(history: History) -> list[Lateness]:
    """All that the driver did, and by how much it was late: its loop, begins and ends of faults, its load."""
    found = [
        Lateness("its own loop", sample.at_ns - round(sample.loop_lag_ms * 1e6), sample.loop_lag_ms / 1e3)
        for sample in history.of(MachineSample)
    ]
    found += _of_faults(history.of(FaultBegun), "the begin")
    found += _of_faults([one for one in history.of(FaultEnded) if not one.detail], "the end")
    for accepted in history.of(TasksAccepted):
        if accepted.intended_ns and not accepted.noticed_ns:
            found.append(Lateness("a task", accepted.intended_ns[0], 0.0))
        for intended_ns, noticed_ns in zip(accepted.intended_ns, accepted.noticed_ns, strict=False):
            found.append(Lateness("a task", intended_ns, max(0, noticed_ns - intended_ns) / 1e9))
    return found


def _of_faults(events: Iterable[FaultBegun | FaultEnded], what: str) -> list[Lateness]:
    return [
        Lateness(
            f"{what} of {event.fault}", event.planned_ns, max(0, event.called_ns - event.planned_ns) / 1e9
        )
        for event in events
        if event.called_ns and event.planned_ns
    ]


def _mean(samples: Sequence[MachineSample]) -> Load:
    def mean(values: Iterable[float]) -> float:
        known = list(values)
        return sum(known) / len(known)

    def known(name: str) -> float | None:
        values = [getattr(one, name) for one in samples]
        return None if None in values else mean(values)

    return Load(
        runnable_per_core=mean(one.runnable / max(1, one.cores) for one in samples),
        steal_ratio=mean(one.steal_ratio for one in samples),
        cpu_pressure=known("cpu_pressure"),
        io_pressure=known("io_pressure"),
        memory_pressure=known("memory_pressure"),
        cores=samples[-1].cores,
    )
