"""The ranking of groups, as of a matrix's cells, by one metric, with intervals and ties. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from driver.compare.compared_metrics import CLIENTS, RUNS, compared_metrics
from driver.compare.core import Difference, Group, compare
from driver.compare.statistics import RUNS_NEEDED, interval
from driver.compare.trade_off import TradeOff, trade_off
from driver.metrics.by_client import BACK_AFTER_HEAL
from driver.metrics.metric import Better

BESIDE = (
    "storm_peak_attempts_per_s",
    "storm_amplification",
    "time_to_95_percent_back_s",
    "task_latency_p99_s",
    "task_success_rate",
)
"""Metrics in the columns beside the ranked one."""
PREFERRED = (BACK_AFTER_HEAL.name, "time_to_95_percent_back_s", "task_latency_p99_s")


class RankedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group and the 95 % interval of its mean. `rank` is 1 for all that do not differ from the best."""

    rank: int
    name: str
    runs: int
    mean: float
    low: float | None
    high: float | None
    like_the_best: bool
    verdicts: dict[str, int]
    beside: dict[str, float | None]


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """All groups, the best first. `left_out` names those without a number for this metric.

    `trade_off` sets time against attempts; None where fewer than two cells have both figures.
    """

    scenario: str
    duration_s: float
    metric: str
    unit: str
    level: str
    notes: list[str]
    places: list[RankedGroup]
    left_out: list[str]
    trade_off: TradeOff | None = None


def rank(groups: Sequence[Group], by: str = "") -> Ranking:
    """Return the ranking by the metric `by`; by the first of PREFERRED that the groups have where it is "".

    Raises UsageError where `by` is no figure of single clients and a group has too few runs.
    """
    level = RUNS if min(len(group.runs) for group in groups) >= RUNS_NEEDED else CLIENTS
    metrics = compared_metrics(level, by)
    choices = [by] if by else [name for name in (*PREFERRED, *metrics) if name in metrics]
    name = next((one for one in choices if any(group.numbers(one, level) for group in groups)), choices[0])
    metric = metrics[name]
    found = [(group, group.numbers(name, level)) for group in groups]
    means = [(group, sum(numbers) / len(numbers), numbers) for group, numbers in found if numbers]
    means.sort(key=lambda one: one[1], reverse=metric.better is Better.higher)
    places = []
    for number, (group, mean, numbers) in enumerate(means, 1):
        bounds = interval(numbers, per_run=level == RUNS)
        alike = number == 1 or not _differs(means[0][0], group, name, len(means) - 1)
        places.append(
            RankedGroup(
                rank=1 if alike else number,
                name=group.name,
                runs=len(group.runs),
                mean=mean,
                low=bounds[0] if bounds else None,
                high=bounds[1] if bounds else None,
                like_the_best=alike,
                verdicts=_verdicts(group),
                beside={one: _mean(group.numbers(one, RUNS)) for one in BESIDE},
            )
        )
    scenario, duration_s = groups[0].kind
    return Ranking(
        scenario=scenario,
        duration_s=duration_s,
        metric=name,
        unit=metric.unit.value,
        level=level,
        notes=_notes(groups, level),
        places=places,
        left_out=[group.name for group, numbers in found if not numbers],
        trade_off=trade_off(groups),
    )


def _differs(best: Group, other: Group, name: str, among: int) -> bool:
    differences: list[Difference] = compare(best, other, 0.0, among, name).differences
    return any(one.metric == name and one.real for one in differences)


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _verdicts(group: Group) -> dict[str, int]:
    counted: dict[str, int] = {}
    for run in group.runs:
        counted[run.verdict or "not judged"] = counted.get(run.verdict or "not judged", 0) + 1
    return counted


def _notes(groups: Sequence[Group], level: str) -> list[str]:
    if level == RUNS:
        return []
    return [
        f"fewer than {RUNS_NEEDED} runs of some: the intervals are over the clients inside the runs, and do "
        "not include how a second run on this machine would differ (--repeat 5 makes more runs)"
    ]
