"""Comparisons and rankings in Markdown, for a pull request's comment or a job's summary. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from driver.compare.compared_metrics import BY_RUN, RUNS
from driver.compare.core import Comparison, Difference
from driver.compare.rank import BESIDE, Ranking
from driver.compare.statistics import ALPHA
from driver.compare.trade_off import TradeOff
from driver.exit_codes import ExitCode
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.report.text import code, escape_markdown


class Report(msgspec.Struct, kw_only=True):
    """A whole comparison, as `lab.py compare --json` prints it. `format` is the version of these fields."""

    exit_code: int
    because: str
    tolerance: float
    notes: list[str]
    comparisons: list[Comparison]
    rankings: list[Ranking]
    format: int = 1


def concluded(comparisons: Sequence[Comparison]) -> str:
    """Return the conclusion of some comparisons in one sentence."""
    worse = [f"{name} ({one.scenario})" for one in comparisons for name in one.regressions]
    if worse:
        return f"worse than before: {', '.join(worse)}"
    undecided = [f"{one.undecided} ({one.scenario})" for one in comparisons if one.undecided]
    if undecided:
        return f"undecided: {'; '.join(undecided)}"
    real = [f"{each.metric} ({one.scenario})" for one in comparisons for each in one.real]
    if real:
        return f"different, and not worse beyond the tolerance: {', '.join(real)}"
    return f"no difference that noise would not explain{_sensitivity(comparisons)}"


def _sensitivity(comparisons: Sequence[Comparison]) -> str:
    """Return which change would have been found in every metric: that of the least sensitive one."""
    parts = [
        (each.seen_from / abs(each.before), each.metric)
        for one in comparisons
        for each in one.differences
        if each.seen_from and each.before
    ]
    if not parts:
        return ""
    part, metric = max(parts)
    return (
        f"; a change of {part:.0%} would have been found in every metric, nine times of ten "
        f"({metric} hides most)"
    )


def as_markdown(report: Report) -> str:
    """Return the report: its conclusion, its notes, and a table for each comparison and ranking."""
    lines = [f"# {MARKS[ExitCode(report.exit_code)]} {escape_markdown(sentence(report.because))}", ""]
    lines += [f"- {escape_markdown(note)}" for note in report.notes]
    for comparison in report.comparisons:
        lines += ["", *_comparison(comparison)]
    for ranking in report.rankings:
        lines += ["", *_ranking(ranking)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def difference_row(one: Difference) -> list[str]:
    """Return the cells of DIFFERENCE_COLUMNS for one metric."""
    unit = Unit(one.unit)
    part = "" if one.relative is None else f"{one.relative:+.0%}"
    return [
        said(one),
        one.metric,
        write(one.before, unit),
        write(one.after, unit),
        f"{signed(one.change, unit)} ({signed(one.low, unit)} to {signed(one.high, unit)})",
        part,
        f"{one.p:.2g}" if one.p >= 1e-4 else "< 0.0001",
        write(one.seen_from, unit) if one.seen_from else "",
    ]


def said(one: Difference) -> str:
    """Return a difference in one word."""
    if one.regression:
        return "WORSE"
    if not one.real:
        return "small" if one.p < min(ALPHA.values()) else "noise"
    if one.better == "neither":
        return "different"
    return "worse, tolerated" if one.worse else "better"


def ranking_rows(ranking: Ranking) -> list[list[str]]:
    """Return the cells of `ranking_columns` for each group.

    Single runs have an order and no rank: their intervals do not include how a second run would differ.
    """
    unit = Unit(ranking.unit)
    rows = []
    for one in ranking.places:
        rows.append(
            [
                str(one.rank) if ranking.level == RUNS else "–",
                one.name,
                str(one.runs),
                _with_interval(one.mean, one.low, one.high, unit),
                ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in one.verdicts.items()),
                *(write(one.beside[name], BY_RUN[name].unit) for name in beside(ranking)),
            ]
        )
    return rows


def ranking_columns(ranking: Ranking) -> list[str]:
    """Return the headings of `ranking_rows`."""
    return ["rank", "cell", "runs", f"{ranking.metric} (95 %)", "verdicts", *beside(ranking)]


def beside(ranking: Ranking) -> list[str]:
    """Return the metrics of BESIDE that some group has: not every system has each."""
    return [name for name in BESIDE if any(place.beside[name] is not None for place in ranking.places)]


MARKS = {ExitCode.PASSED: "✅", ExitCode.FAILED: "❌", ExitCode.INCONCLUSIVE: "❔"}
DIFFERENCE_COLUMNS = ["", "metric", "before", "after", "change (95 %)", "part", "p", "seen from"]


def signed(value: float, unit: Unit) -> str:
    """Return a change with its sign in front."""
    return ("+" if value > 0 else "-" if value < 0 else "") + write(abs(value), unit)


def _comparison(one: Comparison) -> list[str]:
    lines = [
        f"## {escape_markdown(one.scenario)}: {code(one.before)} → {code(one.after)}",
        "",
        f"{one.runs_before} against {one.runs_after} runs of {one.duration_s:g} s. A difference counts with "
        f"p < {ALPHA[one.level]:g}, corrected (Benjamini-Hochberg) for all that is compared; intervals "
        "hold 95 %. A change as large as in the last column is found nine times of ten.",
        "",
        *(f"- {escape_markdown(note)}" for note in one.notes),
        "",
    ]
    if "verdict" in one.regressions:
        lines += ["**It fails now, and did not before.**", ""]
    return lines + _table(DIFFERENCE_COLUMNS, [difference_row(each) for each in one.differences])


def _ranking(one: Ranking) -> list[str]:
    ranked = len(one.places) > 1 and one.level == RUNS
    alike = "What does not differ from the best has rank 1." if ranked else ""
    level = "runs" if one.level == RUNS else "workers"
    return [
        f"## {escape_markdown(one.scenario)}: {'ranked' if one.level == RUNS else 'ordered'} by "
        f"{code(one.metric)}",
        "",
        f"Intervals hold 95 %, over {level}. {alike}".strip(),
        "",
        *(f"- {escape_markdown(note)}" for note in one.notes),
        *([f"- no number for: {escape_markdown(', '.join(one.left_out))}"] if one.left_out else []),
        "",
        *_table(ranking_columns(one), ranking_rows(one)),
        *_trade_off(one.trade_off),
    ]


def trade_off_sentence(one: TradeOff) -> str:
    """Return the recommendation, and the names of the Pareto front."""
    return f"{sentence(one.says)}. On the Pareto front of time and peak attempts: {', '.join(one.front)}."


def _trade_off(one: TradeOff | None) -> list[str]:
    """Return the table of time against attempts, one row for each group."""
    if one is None:
        return []
    rows = [
        [
            "front" if point.on_front else "",
            point.name,
            _with_interval(point.back_s, point.back_low_s, point.back_high_s, Unit.seconds),
            _with_interval(point.peak_per_s, point.peak_low_per_s, point.peak_high_per_s, Unit.per_second),
        ]
        for point in sorted(one.points, key=lambda point: point.back_s)
    ]
    columns = ["", "cell", "until all are back (95 %)", "peak attempts (95 %)"]
    return ["", escape_markdown(trade_off_sentence(one)), "", *_table(columns, rows)]


def _with_interval(mean: float, low: float | None, high: float | None, unit: Unit) -> str:
    """Return a figure, with its interval where there is one."""
    return write(mean, unit) + (
        "" if low is None or high is None else f" ({write(low, unit)} to {write(high, unit)})"
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(columns)} |",
        f"|{'---|' * len(columns)}",
        *(f"| {' | '.join(escape_markdown(cell) for cell in row)} |" for row in rows),
    ]


def sentence(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]
