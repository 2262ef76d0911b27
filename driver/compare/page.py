"""A comparison as one page that works offline: tables with their intervals drawn, and the storms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from driver.compare.compared_metrics import RUNS
from driver.compare.core import Comparison
from driver.compare.curves import BINS, Curves
from driver.compare.markdown import (
    DIFFERENCE_COLUMNS,
    Report,
    difference_row,
    ranking_columns,
    ranking_rows,
    said,
    sentence,
    trade_off_sentence,
)
from driver.compare.rank import Ranking
from driver.compare.trade_off import Point
from driver.exit_codes import ExitCode
from driver.metrics.trade_off import IntervalEstimate, Option
from driver.report.assets_text import asset
from driver.report.charts.scatter import scatter
from driver.report.page_environment import page_environment

HEIGHT = 100
Interval = tuple[float, float, float]
"""Low, mean and high."""


@dataclass(frozen=True)
class ErrorBar:
    """An interval, its mean, and zero, in per cent of a width that all rows of a table share."""

    low: float
    mean: float
    high: float
    zero: float | None = None


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    mark: str
    cells: list[str]
    bar: ErrorBar | None


@dataclass(frozen=True)
class IntervalTable:
    """A table with a column of error bars: its heading is `drawn`, and `drawn_after` columns precede it."""

    title: str
    columns: list[str]
    rows: list[Row]
    notes: list[str]
    drawn: str
    drawn_after: int


@dataclass(frozen=True)
class StormPlot:
    """One group's reconnect storm as SVG paths, on a scale that all groups share."""

    name: str
    attempts: str
    connected: str
    faults: list[tuple[float, float]]
    shown: str
    peak: str


def as_html(report: Report, storms: Mapping[str, Curves]) -> str:
    """Return the page. `storms` has the curves of each group's first run. All inserted text is escaped."""
    environment = page_environment("driver.compare")
    tables = [_compared(one) for one in report.comparisons] + [_ranked(one) for one in report.rankings]
    return environment.get_template("page.html.j2").render(
        because=sentence(report.because),
        tone={ExitCode.FAILED: "bad", ExitCode.INCONCLUSIVE: "open"}.get(ExitCode(report.exit_code), ""),
        notes=report.notes,
        tables=tables,
        trade_offs=[
            (one.scenario, trade_off_sentence(one.trade_off), picture)
            for one in report.rankings
            if one.trade_off and (picture := scatter([_option(point) for point in one.trade_off.points]))
        ],
        style=Markup(asset("scatter.css") + asset("scroll.css")),
        storms=storm_plots(storms),
        bins=BINS,
        height=HEIGHT,
    )


def _option(point: Point) -> Option:
    return Option(
        point.name,
        IntervalEstimate(point.back_s, point.back_low_s, point.back_high_s),
        IntervalEstimate(point.peak_per_s, point.peak_low_per_s, point.peak_high_per_s),
    )


def storm_plots(storms: Mapping[str, Curves]) -> list[StormPlot]:
    """Return each group's storm on one square-root scale: the smallest stays visible beside the largest."""
    top = max((max(one.attempts_per_s) for one in storms.values()), default=0.0) or 1.0
    return [
        StormPlot(
            name=name,
            attempts=_area([math.sqrt(value / top) for value in one.attempts_per_s]),
            connected=_line(one.connected),
            faults=[(begin * BINS, (end - begin) * BINS) for begin, end in one.faults],
            shown=f"{one.begin_s:.0f} s to {one.end_s:.0f} s of the run",
            peak=f"{max(one.attempts_per_s):.0f} attempts/s at most",
        )
        for name, one in storms.items()
    ]


def _compared(one: Comparison) -> IntervalTable:
    parts = [
        (each.low / abs(each.before), each.change / abs(each.before), each.high / abs(each.before))
        if each.before
        else None
        for each in one.differences
    ]
    bars = _error_bars(parts, zero=True)
    marks = {"WORSE": "bad", "better": "good", "different": "warn", "worse, tolerated": "warn"}
    return IntervalTable(
        title=f"{one.scenario}: {one.before} ({one.runs_before} runs) → {one.after} ({one.runs_after} runs)",
        columns=DIFFERENCE_COLUMNS,
        rows=[
            Row(marks.get(said(each), ""), difference_row(each), bar)
            for each, bar in zip(one.differences, bars, strict=True)
        ],
        notes=one.notes,
        drawn="change as a part of before; the line is zero",
        drawn_after=len(DIFFERENCE_COLUMNS),
    )


def _ranked(one: Ranking) -> IntervalTable:
    columns = ranking_columns(one)
    parts = [
        (place.low, place.mean, place.high) if place.low is not None and place.high is not None else None
        for place in one.places
    ]
    return IntervalTable(
        title=f"{one.scenario}: {'ranked' if one.level == RUNS else 'ordered'} by {one.metric}",
        columns=columns,
        rows=[
            Row("good" if place.like_the_best and one.level == RUNS else "", cells, bar)
            for place, cells, bar in zip(one.places, ranking_rows(one), _error_bars(parts), strict=True)
        ],
        notes=[*one.notes, *([f"no number for {', '.join(one.left_out)}"] if one.left_out else [])],
        drawn="the same, drawn",
        drawn_after=columns.index("verdicts"),
    )


def _error_bars(
    parts: Sequence[tuple[float, float, float] | None], zero: bool = False
) -> list[ErrorBar | None]:
    numbers = [number for part in parts if part for number in part] + ([0.0] if zero else [])
    if not numbers:
        return [None for _ in parts]
    # A change beyond three times what was before would squeeze all others; its cells show the figures.
    least, most = (max(min(numbers), -3.0), min(max(numbers), 3.0)) if zero else (min(numbers), max(numbers))
    span = most - least or 1.0

    def at(number: float) -> float:
        return round(100 * min(1.0, max(0.0, (number - least) / span)), 2)

    return [
        ErrorBar(at(part[0]), at(part[1]), at(part[2]), at(0.0) if zero else None) if part else None
        for part in parts
    ]


def _line(values: Sequence[float]) -> str:
    return "M" + " L".join(f"{place},{HEIGHT * (1 - value):.1f}" for place, value in enumerate(values))


def _area(values: Sequence[float]) -> str:
    return f"M0,{HEIGHT} L" + _line(values)[1:] + f" L{len(values) - 1},{HEIGHT} Z"
