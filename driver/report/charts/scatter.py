"""Plot of a trade-off, with intervals: the time until all are back, against the peak of attempts. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.metrics.trade_off import IntervalEstimate, Option, front

WIDTH, HEIGHT = 720, 330
LEFT, TOP, BOTTOM = 80, 10, 40
RIGHT, MOST_RIGHT = 130, 300
_LETTER, MOST_LETTERS = 8.0, 32
_LINE = 16.0
_LEAST_S, _LEAST_PER_S = 1e-3, 0.5
_MOST_TICKS = 5


@dataclass(frozen=True)
class Mark:
    """One option: its dot, its whiskers (from, to; alike without an interval), its name."""

    name: str
    x: float
    y: float
    across: tuple[float, float]
    along: tuple[float, float]
    label_y: float
    on_front: bool
    is_own: bool


@dataclass(frozen=True)
class Scatter:
    """Marks in a box of `width` by `height`, ticks (at, text), and the front from point to point."""

    marks: list[Mark]
    front: str
    seconds: list[tuple[float, str]]
    rates: list[tuple[float, str]]
    right: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM


def scatter(options: Sequence[Option], own: str = "") -> Scatter | None:
    """Return the plot; None with fewer than two options. `own` is the one that the run used."""
    if len(options) < 2:
        return None
    longest = max(len(_short(one.name)) for one in options)
    right = WIDTH - round(min(MOST_RIGHT, max(RIGHT, longest * _LETTER + 24)))
    seconds = _Axis([one.back_s for one in options], _LEAST_S, LEFT, right)
    rates = _Axis([one.peak_per_s for one in options], _LEAST_PER_S, HEIGHT - BOTTOM, TOP)
    best = front(options)
    ordered = sorted(options, key=lambda one: rates.at(one.peak_per_s.mean))
    labels = _spaced([rates.at(one.peak_per_s.mean) for one in ordered])
    marks = [
        Mark(
            name=_short(one.name),
            x=seconds.at(one.back_s.mean),
            y=rates.at(one.peak_per_s.mean),
            across=seconds.span(one.back_s),
            along=rates.span(one.peak_per_s),
            label_y=label_y,
            on_front=one in best,
            is_own=one.name == own,
        )
        for one, label_y in zip(ordered, labels, strict=True)
    ]
    points = [f"{seconds.at(one.back_s.mean)} {rates.at(one.peak_per_s.mean)}" for one in best]
    return Scatter(
        marks,
        "M" + "L".join(points),
        [(seconds.at(value), write(value, Unit.seconds)) for value in seconds.ticks()],
        [(rates.at(value), write(value, Unit.per_second)) for value in rates.ticks()],
        right,
    )


class _Axis:
    """A logarithmic axis from pixel `begin` to pixel `end`, a quarter longer at each end than its numbers."""

    def __init__(self, figures: Sequence[IntervalEstimate], least: float, begin: float, end: float) -> None:
        numbers = [
            number for one in figures for number in (one.mean, one.low, one.high) if number is not None
        ]
        self._least, self._begin, self._end = least, begin, end
        self._low = max(least, min(numbers)) / 1.25
        self._high = max(least, *numbers) * 1.25

    def at(self, number: float) -> float:
        share = math.log(max(self._least, number) / self._low) / math.log(self._high / self._low)
        return round(self._begin + min(1.0, max(0.0, share)) * (self._end - self._begin), 1)

    def span(self, figure: IntervalEstimate) -> tuple[float, float]:
        low = figure.mean if figure.low is None else figure.low
        high = figure.mean if figure.high is None else figure.high
        return self.at(low), self.at(high)

    def ticks(self) -> list[float]:
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**power for power in range(-4, 7) for digit in digits]
            shown = [value for value in found if self._low <= value <= self._high]
            if len(shown) <= _MOST_TICKS:
                break
        return shown or [float(f"{math.sqrt(self._low * self._high):.1g}")]


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _spaced(wanted: Sequence[float]) -> list[float]:
    """Return the heights of labels, from the top: each at its dot, or below the label before it."""
    found: list[float] = []
    for at in wanted:
        found.append(max(at, found[-1] + _LINE) if found else at)
    floor = float(HEIGHT - BOTTOM)
    for place in reversed(range(len(found))):
        found[place] = round(min(found[place], floor), 1)
        floor = found[place] - _LINE
    return found
