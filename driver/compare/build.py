"""Builds a report from folders of runs: two groups are compared, three or more are ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from driver.compare.compared_metrics import RUNS
from driver.compare.core import Comparison, Group, Sample, compare, conclusive
from driver.compare.markdown import Report, concluded
from driver.compare.page import as_html
from driver.compare.rank import Ranking, rank
from driver.compare.read import by_kind, loads_differ, read_curves, read_sample
from driver.exit_codes import ExitCode

MAX_STORMS = 24
RANKED_FROM = 3
"""The least number of groups that are ranked; two are a before and an after."""


def report_on(
    groups: Mapping[str, Sequence[Path]], tolerance: float, by: str = "", matrix: bool = False
) -> Report:
    """Return the report on named groups of run folders: the second against the first, or a ranking.

    `tolerance` is the part by which a metric may be worse (0.1 is 10 %); `by` names the metric to rank by,
    "" for the usual one; `matrix` ranks two groups as well. Raises UsageError: nothing can be compared.
    """
    samples: dict[str, list[Sample]] = {}
    notes: list[str] = []
    for name, folders in groups.items():
        kept, left = conclusive([read_sample(folder) for folder in folders])
        samples[name] = kept
        notes += [f"{name}: {note}" for note in left]
    kinds, alone = by_kind(samples)
    return compared(kinds, [*notes, *alone, *loads_differ(samples)], tolerance, by, matrix)


def page(groups: Mapping[str, Sequence[Path]], report: Report) -> str:
    """Return the report as HTML, with the reconnect storm of each group's first run (MAX_STORMS at most)."""
    shown = list(groups.items())[:MAX_STORMS]
    found = {name: read_curves(folders[0]) for name, folders in shown if folders}
    return as_html(report, {name: one for name, one in found.items() if one is not None})


def compared(
    kinds: Sequence[Sequence[Group]],
    notes: Sequence[str],
    tolerance: float,
    by: str = "",
    matrix: bool = False,
) -> Report:
    """Return the report on groups; each list of `kinds` has those of one scenario and duration. Pure."""
    ranked = [groups for groups in kinds if matrix or len(groups) >= RANKED_FROM]
    pairs = [groups for groups in kinds if len(groups) < RANKED_FROM and not matrix]
    sides = [(groups[0], other) for groups in pairs for other in groups[1:]]
    comparisons = [compare(before, after, tolerance, len(sides), by) for before, after in sides]
    code = _code(comparisons)
    rankings = [rank(groups, by) for groups in ranked]
    because = concluded(comparisons)
    if rankings and not comparisons:
        because = "; ".join(_best(one) for one in rankings)
    return Report(
        exit_code=int(code), because=because, tolerance=tolerance, notes=list(notes),
        comparisons=comparisons, rankings=rankings,
    )  # fmt: skip


def _code(comparisons: Sequence[Comparison]) -> ExitCode:
    if any(one.regressions for one in comparisons):
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if any(one.undecided for one in comparisons) else ExitCode.PASSED


def _best(ranking: Ranking) -> str:
    """Return a ranking's conclusion: that of its trade-off, else the best by its metric."""
    if ranking.trade_off is not None:
        return f"{ranking.trade_off.says} ({ranking.scenario})"
    if not ranking.places:
        return f"no run has a number for {ranking.metric} ({ranking.scenario})"
    best = ", ".join(place.name for place in ranking.places if place.like_the_best)
    alike = "" if ranking.level == RUNS else ", in single runs"
    return f"best by {ranking.metric} alone{alike} ({ranking.scenario}): {best}"
