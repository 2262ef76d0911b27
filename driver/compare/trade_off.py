"""Time until all are back against the peak of attempts: the Pareto front and a recommendation. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from driver.compare.compared_metrics import RUNS
from driver.compare.core import Group
from driver.compare.statistics import RUNS_NEEDED, interval
from driver.metrics.trade_off import IntervalEstimate, Option, front, surely_gentlest, surely_soonest

BACK, PEAK = "time_to_all_back_s", "storm_peak_attempts_per_s"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One group with both figures; bounds hold 95 %, and are None for a single run."""

    name: str
    runs: int
    back_s: float
    back_low_s: float | None
    back_high_s: float | None
    peak_per_s: float
    peak_low_per_s: float | None
    peak_high_per_s: float | None
    on_front: bool


class TradeOff(msgspec.Struct, frozen=True, kw_only=True):
    """All groups that have both figures. `front` names the Pareto front, the soonest first.

    `recommended` is the group that intervals separate from all others in both figures, else ""; `says` why.
    """

    points: list[Point]
    front: list[str]
    recommended: str
    says: str


def trade_off(groups: Sequence[Group]) -> TradeOff | None:
    """Return the trade-off of some groups; None where fewer than two have both figures."""
    found = [(group, option) for group in groups if (option := _option(group)) is not None]
    if len(found) < 2:
        return None
    options = [option for _, option in found]
    best = front(options)
    soonest, gentlest = surely_soonest(options), surely_gentlest(options)
    few = [group.name for group, _ in found if len(group.runs) < RUNS_NEEDED]
    if few:
        soonest = gentlest = None
    return TradeOff(
        points=[_point(group, option, option in best) for group, option in found],
        front=[one.name for one in best],
        recommended=soonest.name if soonest is not None and soonest is gentlest else "",
        says=_recommendation(soonest, gentlest, few),
    )


def _recommendation(soonest: Option | None, gentlest: Option | None, few: Sequence[str]) -> str:
    """Return what the intervals separate, in words."""
    if few:
        return f"no cell is recommended: it takes {RUNS_NEEDED} runs of each to separate them (--repeat 5)"
    if soonest is not None and soonest is gentlest:
        return f"{soonest.name} is recommended: it has surely the shortest time and surely the lowest peak"
    separated = [
        f"{one.name} {what}"
        for what, one in (("has surely the shortest time", soonest), ("has surely the lowest peak", gentlest))
        if one is not None
    ]
    if not separated:
        return "no cell is recommended: the intervals overlap in time and in peak"
    return f"no cell is best in both: {', '.join(separated)}"


def _option(group: Group) -> Option | None:
    back, peak = _bounds(group, BACK), _bounds(group, PEAK)
    return None if back is None or peak is None else Option(group.name, back, peak)


def _bounds(group: Group, metric: str) -> IntervalEstimate | None:
    numbers = group.numbers(metric, RUNS)
    if len(numbers) < len(group.runs) or not numbers:
        # A run in which not all came back has no number: the mean of the others would be too good.
        return None
    low, high = interval(numbers, per_run=True) or (None, None)
    return IntervalEstimate(sum(numbers) / len(numbers), low, high)


def _point(group: Group, option: Option, on_front: bool) -> Point:
    return Point(
        name=option.name,
        runs=len(group.runs),
        back_s=option.back_s.mean,
        back_low_s=option.back_s.low,
        back_high_s=option.back_s.high,
        peak_per_s=option.peak_per_s.mean,
        peak_low_per_s=option.peak_per_s.low,
        peak_high_per_s=option.peak_per_s.high,
        on_front=on_front,
    )
