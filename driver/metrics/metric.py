"""A metric's definition, and statistics of many numbers. Each metric is defined once, in its family."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from driver.histories.history import History

Values = dict[str, float | None]


class Unit(Enum):
    """A number's unit. A ratio is between 0 and 1."""

    count = "count"
    seconds = "s"
    ratio = "ratio"
    bytes = "bytes"
    per_second = "per_s"
    bytes_per_second = "bytes_per_s"
    cores = "cores"
    factor = "factor"


class Better(Enum):
    """The direction in which a metric is better; `neither` for a mere amount."""

    higher = "higher"
    lower = "lower"
    neither = "neither"


@dataclass(frozen=True)
class Metric:
    """One number of a run: its name (units last), unit, formula in words, and which direction is better.

    `statistic` is a key of STATISTICS where the metric summarises many numbers, else "". `on_system`: a
    foreign system has it too, where its family does.
    """

    name: str
    unit: Unit
    better: Better
    formula: str
    statistic: str = ""
    on_system: bool = True


@dataclass(frozen=True)
class StillOpen:
    """What a metric times had not ended, so that its value would be `at_least` that much, or more."""

    at_least: float
    because: str


@dataclass(frozen=True)
class MetricFamily:
    """The metrics of one subject: `measure` returns the value of each from a history. Pages list families by
    `rank`. `of_operations`: they are measured from operations alone, so that those of a part of a run have
    values too. `on_system`: they are measured of a foreign system too, whose clients are its links.
    `still_open` returns, by the name of a metric without a value, what had not ended when its time was over.
    `broken_by` maps the begin of a metric's name to controls (`driver/controls/`) that are tried first to
    show that a bound on it can be missed. `decided` says of a metric's name whether more load after the last
    fault cannot alter its value; unless a family says otherwise, it is measured of all the planned load.
    """

    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[[History], Values]
    rank: int = 1000
    of_operations: bool = False
    on_system: bool = False
    still_open: Callable[[History], Mapping[str, StillOpen]] = lambda history: {}
    broken_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decided: Callable[[History, str], bool] = lambda history, name: False

    def controls_of(self, metric: Metric) -> tuple[str, ...]:
        """Return the controls that are declared for a metric."""
        stems = (names for stem, names in self.broken_by.items() if metric.name.startswith(stem))
        return next(stems, ())


STATISTICS = {
    "mean": "mean of",
    "p50": "median of",
    "p90": "90th percentile of",
    "p99": "99th percentile of",
    "max": "largest of",
}


def distribution(
    stem: str, unit: Unit, better: Better, formula: str, *, on_system: bool = True
) -> tuple[Metric, ...]:
    """Return the five metrics that summarise many numbers: `stem_mean_s`, `stem_p50_s`, …"""
    return tuple(
        Metric(f"{stem}_{statistic}{_suffix(unit)}", unit, better, f"{words} {formula}", statistic, on_system)
        for statistic, words in STATISTICS.items()
    )


def summed_up(stem: str, unit: Unit, numbers: Iterable[float]) -> Values:
    """Return the values of `distribution`'s metrics; all None without numbers."""
    ordered = sorted(numbers)
    mean = math.fsum(ordered) / len(ordered) if ordered else None
    found = (
        mean,
        percentile(ordered, 50),
        percentile(ordered, 90),
        percentile(ordered, 99),
        percentile(ordered, 100),
    )
    return {f"{stem}_{name}{_suffix(unit)}": value for name, value in zip(STATISTICS, found, strict=True)}


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the nearest-rank percentile of sorted numbers; None without numbers."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(part: float, whole: float) -> float | None:
    """Return `part` ÷ `whole`; None where `whole` is 0."""
    return part / whole if whole else None


def _suffix(unit: Unit) -> str:
    return {Unit.seconds: "_s", Unit.bytes: "_bytes"}.get(unit, "")
