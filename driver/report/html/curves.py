"""Curves over time, as the page's plots take them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from driver.histories.history import COORDINATOR, History
from driver.histories.task_lives import task_book
from driver.metrics.metric import percentile
from driver.metrics.resources import usage
from driver.metrics.signals import SIGNALS
from driver.report.html.lanes import Clock
from wire.events import Connecting, Totals, Traffic

BINS = 900
Numbers = list[float | None]


class Series(msgspec.Struct, frozen=True):
    """One line of a plot. A spread's line has its own `x`; a curve's shares the plot's."""

    label: str
    y: Numbers
    x: list[float] = []


class Plot(msgspec.Struct, frozen=True):
    """One plot. `unit` is what stands at the axis of the numbers; `says` how to read it."""

    name: str
    title: str
    unit: str
    says: str
    series: list[Series]
    x: list[float] = []
    log: bool = False


class _Bins:
    """The run in equal spans of time: never shorter than a tenth of a second, never more than BINS."""

    def __init__(self, clock: Clock) -> None:
        self.begin_ns = clock.begin_ns
        self.width_ns = max(100_000_000, (clock.end_ns - clock.begin_ns) // BINS)
        self.count = max(1, -(-(clock.end_ns - clock.begin_ns) // self.width_ns))
        self.seconds = self.width_ns / 1e9
        self.x = [round(index * self.seconds, 3) for index in range(self.count)]

    def of(self, at_ns: int) -> int | None:
        """The bin of an instant, None outside all."""
        index = (at_ns - self.begin_ns) // self.width_ns
        return index if 0 <= index < self.count else None

    def rate_per_s(self, instants_ns: Sequence[int]) -> Numbers:
        """How many instants a second."""
        counts = [0] * self.count
        for at_ns in instants_ns:
            if (index := self.of(at_ns)) is not None:
                counts[index] += 1
        return [round(count / self.seconds, 3) for count in counts]

    def each(
        self, pairs: Sequence[tuple[int, float]], summed: Callable[[list[float]], float | None]
    ) -> Numbers:
        """The numbers of each bin, summed up; None where there are none."""
        filled: list[list[float]] = [[] for _ in range(self.count)]
        for at_ns, number in pairs:
            if (index := self.of(at_ns)) is not None:
                filled[index].append(number)
        return [short(summed(sorted(numbers))) if numbers else None for numbers in filled]

    def least(self, steps: list[tuple[int, float]]) -> Numbers:
        """The least value of a stepped signal in each bin, so that no short dip is lost."""
        found: Numbers = []
        at = 0
        for index in range(self.count):
            begin_ns = self.begin_ns + index * self.width_ns
            while at + 1 < len(steps) and steps[at + 1][0] <= begin_ns:
                at += 1
            least, ahead = steps[at][1], at
            while ahead + 1 < len(steps) and steps[ahead + 1][0] < begin_ns + self.width_ns:
                ahead += 1
                least = min(least, steps[ahead][1])
            found.append(short(least))
        return found


def curves(history: History) -> list[Plot]:
    """What changed over time. Plots without any number are left out."""
    clock = Clock(history)
    bins = _Bins(clock)
    lives = history.view(task_book).promised
    done = [life.result.at_ns for life in lives if life.result and life.result.outcome == "completed"]
    due = [life.intended_ns for life in lives if life.intended_ns]
    waits = [
        (life.intended_ns, (life.result.at_ns - life.start_ns) / 1e9)
        for life in lives
        if life.result and life.intended_ns
    ]
    depth = [(event.at_ns, float(event.queue_depth)) for event in history.of(Traffic)]
    waiting = [(event.at_ns, float(event.waiting)) for event in history.of(Totals)]
    workers = len(history.workers)
    steps = SIGNALS["connected"].steps(history)
    connected = [(at_ns, share * workers) for at_ns, share in steps if at_ns < clock.end_ns]

    def plot(name: str, title: str, unit: str, says: str, *series: Series, log: bool = False) -> Plot:
        return Plot(
            name, title, unit, says, [one for one in series if any(y is not None for y in one.y)], bins.x, log
        )

    plots = [
        plot(
            "connected",
            "Workers connected",
            "workers",
            "Both sides agree that the worker is connected.",
            Series("connected", bins.least(connected)),
        ),
        plot(
            "attempts",
            "Attempts to connect",
            "1/s",
            "Every knock at the door, whether it opened or not.",
            Series("attempts", bins.rate_per_s([event.at_ns for event in history.of(Connecting)])),
        ),
        plot(
            "tasks",
            "Tasks",
            "1/s",
            "Completed under due: work piles up. Above: the pile shrinks.",
            Series("due", bins.rate_per_s(due)),
            Series("completed", bins.rate_per_s(done)),
        ),
        plot(
            "latency",
            "Task latency by intended start",
            "s",
            "From the moment a task was due to its counted result.",
            Series("median", bins.each(waits, lambda n: percentile(n, 50))),
            Series("largest", bins.each(waits, lambda n: n[-1])),
            log=True,
        ),
        plot(
            "queues",
            "Waiting",
            "count",
            "Tasks at the coordinator; messages not acknowledged, most of any process.",
            Series("tasks", bins.each(waiting, lambda n: n[-1])),
            Series("messages", bins.each(depth, lambda n: n[-1])),
        ),
        *_resources(history, plot, bins),
    ]
    return [one for one in plots if one.series]


def _resources(history: History, plot: Callable[..., Plot], bins: _Bins) -> list[Plot]:
    used = history.view(usage)
    workers = [used[name] for name in history.workers if name in used]
    coordinator = [used[COORDINATOR]] if COORDINATOR in used else []
    memory = {
        label: [
            (at, size / 2**20) for one in group for at, size in zip(one.at_ns, one.memory_bytes, strict=True)
        ]
        for label, group in (("workers", workers), ("coordinator", coordinator))
    }
    cpu = {
        label: [
            (at, cores) for one in group for at, cores in zip(one.at_ns[1:], one.cpu_cores[1:], strict=True)
        ]
        for label, group in (("workers", workers), ("coordinator", coordinator))
    }
    return [
        plot(
            "memory",
            "Memory",
            "MiB",
            "What the engine says each container holds.",
            Series("largest worker", bins.each(memory["workers"], lambda n: n[-1])),
            Series("median worker", bins.each(memory["workers"], lambda n: percentile(n, 50))),
            Series("coordinator", bins.each(memory["coordinator"], lambda n: n[-1])),
        ),
        plot(
            "cpu",
            "CPU",
            "cores",
            "Seconds of CPU in a second.",
            Series("busiest worker", bins.each(cpu["workers"], lambda n: n[-1])),
            Series("coordinator", bins.each(cpu["coordinator"], lambda n: n[-1])),
        ),
    ]


def short(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
