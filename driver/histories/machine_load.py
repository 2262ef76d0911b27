"""Load of the machine that runs the lab, and delays of the driver. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from driver.histories.events import FaultBegun, FaultEnded, MachineSample
from driver.histories.history import History
from driver.histories.run_timeline import run_timeline
from driver.histories.work import NOUN, request_delays

SPAN_NS = 10_000_000_000
"""Load is averaged over this span: a burst is no overload."""
FULL_NS = 8_000_000_000
"""Samples that span less are not yet an average over SPAN_NS."""
MIN_SAMPLES = 3
RUNNABLE_PER_CORE = 4.0
"""Above this each process has a quarter of a core, and waits three times as long as it runs."""
STEAL_RATIO = 0.3
STALLED_RATIO = 0.5
"""Share of time in which all processes wait for a disk, or for memory."""


@dataclass(frozen=True)
class MachineLoad:
    """Average load over some seconds. Ratios are shares of time; None where the kernel reports none."""

    runnable_per_core: float
    steal_ratio: float
    cpu_pressure: float | None
    io_pressure: float | None
    memory_pressure: float | None
    cores: int

    @property
    def too_much(self) -> str:
        """A clause about the first measure above its limit, with the figure; "" when none is."""
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
class DriverDelay:
    """An action of the driver: what it was, when it was due, and by how much it was late (seconds)."""

    what: str
    due_ns: int
    late_s: float


def loads(samples: Sequence[MachineSample]) -> list[MachineLoad]:
    """Return the load over each whole SPAN_NS that ends with a sample, of MIN_SAMPLES samples or more."""
    found = []
    first = 0
    for index, last in enumerate(samples):
        while samples[first].at_ns < last.at_ns - SPAN_NS:
            first += 1
        if index + 1 - first >= MIN_SAMPLES and last.at_ns - samples[first].at_ns >= FULL_NS:
            found.append(_mean(samples[first : index + 1]))
    return found


def too_busy(samples: Sequence[MachineSample]) -> str:
    """Return why this machine was too busy, at its worst; "" when it was not, or without samples."""
    bad = [one for one in loads(samples) if one.too_much]
    if not bad:
        return ""
    worst = max(bad, key=lambda one: (one.runnable_per_core, one.steal_ratio))
    return f"this machine was too busy: {worst.too_much} over {SPAN_NS / 1e9:.0f} s"


def machine_too_busy(history: History) -> str:
    """Return `too_busy` of the time that is judged: neither of the lab's start nor of its teardown."""
    return too_busy(_judged_samples(history))


def most_runnable_per_core(history: History) -> float:
    """Return how many processes wanted to run for each core in the busiest span of the judged time."""
    return max((one.runnable_per_core for one in loads(_judged_samples(history))), default=0.0)


def processes_alone_were_too_many(history: History) -> bool:
    """Return whether no measure but the count of processes that wanted to run was above its limit."""
    return not any(replace(one, runnable_per_core=0.0).too_much for one in loads(_judged_samples(history)))


def _judged_samples(history: History) -> list[MachineSample]:
    run = history.view(run_timeline)
    return [one for one in history.of(MachineSample) if run.zero_ns <= one.at_ns <= run.end_ns]


def driver_delays(history: History) -> list[DriverDelay]:
    """Return the delay of each action of the driver: its event loop, begins and ends of faults, its load."""
    found = [
        DriverDelay("its own loop", sample.at_ns - round(sample.loop_lag_ms * 1e6), sample.loop_lag_ms / 1e3)
        for sample in history.of(MachineSample)
    ]
    found += _of_faults(history.of(FaultBegun), "the begin")
    found += _of_faults([one for one in history.of(FaultEnded) if not one.detail], "the end")
    found += [
        DriverDelay(f"a {NOUN}", one.due_ns, (one.ready_ns - one.due_ns) / 1e9)
        for one in request_delays(history)
    ]
    return found


def _of_faults(events: Iterable[FaultBegun | FaultEnded], what: str) -> list[DriverDelay]:
    return [
        DriverDelay(
            f"{what} of {event.fault}", event.planned_ns, max(0, event.called_ns - event.planned_ns) / 1e9
        )
        for event in events
        if event.called_ns and event.planned_ns
    ]


def _mean(samples: Sequence[MachineSample]) -> MachineLoad:
    def mean(values: Iterable[float]) -> float:
        known = list(values)
        return sum(known) / len(known)

    def known(name: str) -> float | None:
        values = [getattr(one, name) for one in samples]
        return None if None in values else mean(values)

    return MachineLoad(
        runnable_per_core=mean(one.runnable / max(1, one.cores) for one in samples),
        steal_ratio=mean(one.steal_ratio for one in samples),
        cpu_pressure=known("cpu_pressure"),
        io_pressure=known("io_pressure"),
        memory_pressure=known("memory_pressure"),
        cores=samples[-1].cores,
    )
