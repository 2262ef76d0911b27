"""From named folders to a report: reads the runs, compares what is alike, ranks what is many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from driver.compare.core import RUNS, Comparison, Group, Sample, compare, conclusive
from driver.compare.page import as_html
from driver.compare.papers import Report, concluded
from driver.compare.ranking import Ranking, rank
from driver.compare.read import by_kind, read_curves, read_sample
from driver.exit_codes import ExitCode

MOST_STORMS = 24
RANKED_FROM = 3
"""So many groups are ranked; two are a before and an after."""


def report_on(
    groups: Mapping[str, Sequence[Path]], tolerance: float, by: str = "", matrix: bool = False
) -> Report:
    """Everything against the first group; three or more, and a matrix, are ranked. Raises UsageError."""
    samples: dict[str, list[Sample]] = {}
    notes: list[str] = []
    for name, folders in groups.items():
        kept, left = conclusive([read_sample(folder) for folder in folders])
        samples[name] = kept
        notes += [f"{name}: {told}" for told in left]
    kinds, alone = by_kind(samples)
    return judged(kinds, [*notes, *alone], tolerance, by, matrix)


def page(groups: Mapping[str, Sequence[Path]], report: Report) -> str:
    """The report as HTML, with the storm of each side's first run."""
    shown = list(groups.items())[:MOST_STORMS]
    found = {name: read_curves(folders[0]) for name, folders in shown if folders}
    return as_html(report, {name: one for name, one in found.items() if one is not None})


def judged(
    kinds: Sequence[Sequence[Group]],
    notes: Sequence[str],
    tolerance: float,
    by: str = "",
    matrix: bool = False,
) -> Report:
    """The report on groups, those of one kind in one list. Pure."""
    ranked = [groups for groups in kinds if matrix or len(groups) >= RANKED_FROM]
    pairs = [groups for groups in kinds if len(groups) < RANKED_FROM and not matrix]
    sides = [(groups[0], other) for groups in pairs for other in groups[1:]]
    comparisons = [compare(before, after, tolerance, len(sides)) for before, after in sides]
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
    """What a ranking says: what time against attempts allows to recommend, else the best by its metric."""
    if ranking.trade_off is not None:
        return f"{ranking.trade_off.says} ({ranking.scenario})"
    best = ", ".join(place.name for place in ranking.places if place.like_the_best)
    alike = "" if ranking.level == RUNS else ", in single runs"
    return f"best by {ranking.metric} alone{alike} ({ranking.scenario}): {best}"
