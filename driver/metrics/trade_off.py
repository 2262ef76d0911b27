"""Pareto front of policies, by time until all are back and peak attempts per second. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class IntervalEstimate:
    """A figure and its confidence interval; `low` and `high` are None for a single measurement."""

    mean: float
    low: float | None = None
    high: float | None = None

    def is_surely_below(self, other: IntervalEstimate) -> bool:
        """Whether the intervals separate, this one lower."""
        return self.high is not None and other.low is not None and self.high < other.low


@dataclass(frozen=True)
class Option:
    """One policy: the time until all were back, and the most attempts of any second."""

    name: str
    back_s: IntervalEstimate
    peak_per_s: IntervalEstimate


def front(options: Sequence[Option]) -> list[Option]:
    """Return the Pareto front, the soonest first: what no other option surely beats.

    An option is beaten by one that is no worse in either figure, and surely better in one. What intervals do
    not separate stays.
    """
    kept = [one for one in options if not any(_beats(other, one) for other in options if other is not one)]
    return sorted(kept, key=lambda one: (one.back_s.mean, one.peak_per_s.mean))


def surely_soonest(options: Sequence[Option]) -> Option | None:
    """Return the option whose time is surely below all others'; None where intervals overlap."""
    return _surely_least(options, [one.back_s for one in options])


def surely_gentlest(options: Sequence[Option]) -> Option | None:
    """Return the option whose peak is surely below all others'; None where intervals overlap."""
    return _surely_least(options, [one.peak_per_s for one in options])


def _beats(one: Option, other: Option) -> bool:
    no_worse = one.back_s.mean <= other.back_s.mean and one.peak_per_s.mean <= other.peak_per_s.mean
    surely = one.back_s.is_surely_below(other.back_s) or one.peak_per_s.is_surely_below(other.peak_per_s)
    return no_worse and surely


def _surely_least(options: Sequence[Option], figures: Sequence[IntervalEstimate]) -> Option | None:
    for option, figure in zip(options, figures, strict=True):
        if all(figure.is_surely_below(other) for other in figures if other is not figure):
            return option
    return None
