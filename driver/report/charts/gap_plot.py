"""Plot of the gaps between attempts, over the bounds of the fitted policy: positions of marks. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from driver.forensics.analysis import ForensicAnalysis
from driver.forensics.fit import Fit
from driver.forensics.gaps import RetryGaps
from driver.forensics.policies import PriorAttempts, bounds
from driver.metrics.metric import Unit
from driver.metrics.quantities import write

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 66, 6, 8, 34
MOST_DOTS, MOST_NUMBERS = 360, 12
_THINNEST = 3.0
_GROWN = 12.0
_DECADES = tuple(10.0**power for power in range(-4, 4))


@dataclass(frozen=True)
class GapPlot:
    """Positions in a box of WIDTH by HEIGHT: dots (x, y), bands (x, y, width, height), labels (at, text)."""

    dots: list[tuple[float, float]]
    bands: list[tuple[float, float, float, float]]
    numbers: list[tuple[float, str]]
    lengths: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def gap_plot(analysis: ForensicAnalysis) -> GapPlot | None:
    """Return the plot of a fleet's gaps; None without gaps, or without a policy to compare them with."""
    best = analysis.naming.best
    gaps = analysis.gaps.chosen(analysis.gaps.before.number <= MOST_NUMBERS)
    if best is None or not len(gaps):
        return None
    gaps = _thinned(gaps)
    top_number = int(gaps.before.number.max())
    bounds = [_bounds(best, number) for number in range(1, top_number + 1)]
    axis = _Axis(gaps, bounds)
    column = (WIDTH - LEFT - RIGHT) / top_number

    def y(length_s: float) -> float:
        return round(HEIGHT - BOTTOM - axis.share(length_s) * (HEIGHT - BOTTOM - TOP), 1)

    def x(number: float) -> float:
        return round(LEFT + (number - 0.5) * column, 1)

    bands = []
    for number, (low, high) in enumerate(bounds, 1):
        tall = max(_THINNEST, y(low) - y(high))
        middle = (y(low) + y(high)) / 2
        bands.append(
            (
                round(x(number) - 0.42 * column, 1),
                round(middle - tall / 2, 1),
                round(0.84 * column, 1),
                round(tall, 1),
            )
        )
    # Dots of one number are side by side, at the same offsets in every report.
    beside = ((np.arange(len(gaps)) * 0.618) % 1 - 0.5) * 0.66
    dots = [
        (x(float(number) + float(off)), y(float(gap_s)))
        for number, off, gap_s in zip(gaps.before.number, beside, gaps.gap_s, strict=True)
    ]
    return GapPlot(
        dots=dots,
        bands=bands,
        numbers=[(x(number), str(number)) for number in range(1, top_number + 1)],
        lengths=[(y(at_s), write(at_s, Unit.seconds)) for at_s in axis.ticks()],
    )


class _Axis:
    """The axis of lengths: linear, or logarithmic where delays grow by more than _GROWN."""

    def __init__(self, gaps: RetryGaps, bounds: list[tuple[float, float]]) -> None:
        highs = [high for _, high in bounds]
        self.longest_s = max(float(np.quantile(gaps.gap_s, 0.99)), *highs, 1e-3) * 1.1
        self.even = max(highs) <= _GROWN * max(highs[0], 1e-3)
        # Below a thirtieth of the first delay there is nothing to be read off.
        self.shortest_s = 0.0 if self.even else max(2e-4, highs[0] / 30)

    def share(self, length_s: float) -> float:
        """Return the height of a length, from 0 to 1."""
        if self.even:
            return min(1.0, max(0.0, length_s / self.longest_s))
        length_s = min(max(length_s, self.shortest_s), self.longest_s)
        return math.log(length_s / self.shortest_s) / math.log(self.longest_s / self.shortest_s)

    def ticks(self) -> list[float]:
        """Return a few round lengths."""
        if not self.even:
            found = [digit * decade for decade in _DECADES for digit in (1.0, 2.0, 5.0)]
            return [at_s for at_s in found if self.shortest_s <= at_s <= self.longest_s]
        rough = self.longest_s / 4
        decade = 10.0 ** math.floor(math.log10(rough))
        step = next(digit * decade for digit in (1.0, 2.0, 2.5, 5.0, 10.0) if digit * decade >= rough)
        return [number * step for number in range(int(self.longest_s / step) + 1)]


def _thinned(gaps: RetryGaps) -> RetryGaps:
    if len(gaps) <= MOST_DOTS:
        return gaps
    # A random choice: the gaps are in the order of the attempts, and an even stride would omit numbers.
    chosen = np.random.default_rng(0).choice(len(gaps), MOST_DOTS, replace=False)
    return gaps.chosen(np.sort(chosen))


def _bounds(fit: Fit, number: int) -> tuple[float, float]:
    """Return the bounds of a policy's delay before an attempt, over all possible delays before it."""
    base_s = 0.0 if math.isnan(fit.base_s) else fit.base_s
    cap_s = 0.0 if math.isnan(fit.cap_s) else fit.cap_s
    longest_before_s = base_s * 3.0 ** (number - 1)
    before = PriorAttempts(np.array([float(number)]), np.array([longest_before_s]), np.array([math.nan]))
    low, high = bounds(fit.policy, before, np.asarray(base_s), np.asarray(cap_s))
    longest_s = fit.policy.longest_s
    return min(longest_s, float(np.ravel(low)[0])), min(longest_s, float(np.ravel(high)[0]))
