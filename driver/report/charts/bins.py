"""Equal spans of a run's time, of a width that fits what is counted in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from driver.report.charts.lanes import Clock

MOST, FEWEST = 900, 60
"""More bins than a wide screen has pixels show nothing more; fewer hide when something happened."""
Numbers = list[float | None]


class Bins:
    """A run in equal spans of time; the run's zero lies between two of them."""

    def __init__(self, clock: Clock, width_ns: int) -> None:
        before = -(-(clock.zero_ns - clock.begin_ns) // width_ns)
        self.width_ns = width_ns
        self.begin_ns = clock.zero_ns - before * width_ns
        self.count = max(1, -(-(clock.end_ns - self.begin_ns) // width_ns))
        self.seconds = width_ns / 1e9
        self.x = [round((index - before) * self.seconds, 3) for index in range(self.count)]

    def of(self, at_ns: int) -> int | None:
        """Return the bin of an instant; None outside all."""
        index = (at_ns - self.begin_ns) // self.width_ns
        return index if 0 <= index < self.count else None

    def rate_per_s(self, instants_ns: Sequence[int]) -> Numbers:
        """Return the rate of instants in each bin, per second."""
        return [round(float(count) / self.seconds, 3) for count in self.counts(instants_ns)]

    def each(
        self, pairs: Sequence[tuple[int, float]], summed: Callable[[list[float]], float | None]
    ) -> Numbers:
        """Return `summed` of the sorted numbers of each bin; None for an empty bin."""
        filled: list[list[float]] = [[] for _ in range(self.count)]
        for at_ns, number in pairs:
            if (index := self.of(at_ns)) is not None:
                filled[index].append(number)
        return [short(summed(sorted(numbers))) if numbers else None for numbers in filled]

    def least(self, steps: list[tuple[int, float]]) -> Numbers:
        """Return the least value of a stepped signal in each bin, so that no short dip is lost."""
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

    def counts(self, instants_ns: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        index = (np.asarray(instants_ns, dtype=np.int64) - self.begin_ns) // self.width_ns
        return np.bincount(index[(index >= 0) & (index < self.count)], minlength=self.count)


def finest(clock: Clock) -> Bins:
    """Return the narrowest bins that a page can show."""
    return Bins(clock, widths_ns(clock)[0])


def fitted(clock: Clock, instants_ns: Sequence[int]) -> Bins:
    """Return the bins in which the rate of `instants_ns` shows best: neither single events nor a mere mean.

    The width is the one of the least expected error, of those that are round and give FEWEST to MOST bins
    (Shimazaki and Shinomoto, Neural Computation 19, 2007: twice the mean of the counts less their variance,
    by the square of the width).
    """

    def cost(bins: Bins) -> float:
        counts = bins.counts(instants_ns)
        return float((2 * counts.mean() - counts.var()) / bins.seconds**2)

    return min((Bins(clock, width_ns) for width_ns in widths_ns(clock)), key=cost)


def widths_ns(clock: Clock) -> list[int]:
    """Return the possible widths, the narrowest first: one, two or five of a decimal unit."""
    span_ns = clock.end_ns - clock.begin_ns
    found = [
        digit * 10**power
        for power in range(6, 14)
        for digit in (1, 2, 5)
        if span_ns <= digit * 10**power * MOST and digit * 10**power * FEWEST <= span_ns
    ]
    return found or [max(1, span_ns // FEWEST)]


def short(number: float | None) -> float | None:
    """Return a number of four digits: a page shows no more."""
    return None if number is None else float(f"{number:.4g}")
