"""Whether two groups of runs differ, in what, and whether that is worse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import msgspec

from driver.compare.family import BY_RUN, BY_WORKER, LEAST_RELATIVE, least, weight
from driver.compare.statistics import ALPHA, RUNS_NEEDED, Effect, corrected, of_runs, of_workers
from driver.judging.verdict import RunOutcome
from driver.metrics.metric import Better, Metric

RUNS, WORKERS = "runs", "workers"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run as a comparison sees it. `verdict` is "" when the run was never judged.

    `variables` are those of its scenario: `policy=fixed, outage=5s`.
    """

    name: str
    scenario: str
    duration_s: float
    workers: int
    verdict: str
    because: str
    values: dict[str, float | None]
    by_worker: dict[str, dict[str, float]]
    missing: list[str] = []
    settings: dict[str, str] = {}
    variables: str = ""


class Group(msgspec.Struct, frozen=True):
    """Runs that are to be one side of a comparison."""

    name: str
    runs: list[Sample]

    @property
    def kind(self) -> tuple[str, float]:
        """What must be alike on both sides: the scenario and its duration."""
        return (self.runs[0].scenario, self.runs[0].duration_s)

    def numbers(self, name: str, level: str) -> list[float]:
        """A metric's numbers, one a run or one a worker of each run."""
        if level == WORKERS:
            return [value for run in self.runs for value in run.by_worker.get(name, {}).values()]
        found = []
        for run in self.runs:
            told = run.by_worker.get(name, {})
            value = sum(told.values()) / len(told) if told else run.values.get(name)
            if value is not None:
                found.append(value)
        return found


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on both sides. `real`: no noise explains it; `worse`: in the direction that is not wanted.

    `p` is corrected for how many metrics were looked at. `low` and `high` bound `change` (95 %, uncorrected).
    `seen_from` is the smallest change that nine of ten such comparisons find; None where it is not known.
    """

    metric: str
    unit: str
    better: str
    before: float
    after: float
    change: float
    low: float
    high: float
    relative: float | None
    p: float
    real: bool
    worse: bool
    regression: bool
    seen_from: float | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two groups side by side. `level` says what was compared: runs, or the workers inside too few runs.

    `undecided` says why it cannot tell whether the systems differ; "" where it can.
    """

    scenario: str
    duration_s: float
    before: str
    after: str
    runs_before: int
    runs_after: int
    level: str
    notes: list[str]
    differences: list[Difference]
    regressions: list[str]
    undecided: str = ""

    @property
    def real(self) -> list[Difference]:
        """What really differs."""
        return [one for one in self.differences if one.real]


def compare(before: Group, after: Group, tolerance: float, among: int = 1) -> Comparison:
    """The comparison of two groups of the same scenario. `tolerance` is the part that worse is allowed.

    `among` is how many comparisons are made at once: the more, the more must be shown in each.
    """
    level = RUNS if min(len(before.runs), len(after.runs)) >= RUNS_NEEDED else WORKERS
    family = BY_RUN if level == RUNS else BY_WORKER
    effects: list[tuple[Metric, Effect]] = []
    for metric in family.values():
        sides = before.numbers(metric.name, level), after.numbers(metric.name, level)
        if min(len(side) for side in sides) >= 2:
            effects.append((metric, of_runs(*sides) if level == RUNS else of_workers(*sides, among)))
    weights = [weight(metric.name) for metric, _ in effects]
    chances = corrected([effect.p for _, effect in effects], weights)
    differences = [
        _difference(metric, effect, min(1.0, p * among), level, tolerance, own / (sum(weights) * among))
        for (metric, effect), p, own in zip(effects, chances, weights, strict=True)
    ]
    differences.sort(key=lambda one: (not one.regression, not one.real, one.p))
    regressions = [one.metric for one in differences if one.regression]
    if _ever_failed(after) and not _ever_failed(before):
        regressions.append("verdict")
    scenario, duration_s = before.kind
    return Comparison(
        scenario=scenario,
        duration_s=duration_s,
        before=before.name,
        after=after.name,
        runs_before=len(before.runs),
        runs_after=len(after.runs),
        level=level,
        notes=_notes(before, after, level, len(effects)),
        differences=differences,
        regressions=regressions,
        undecided=_undecided(before, after, level, len(effects)),
    )


def _undecided(before: Group, after: Group, level: str, compared: int) -> str:
    for group in (before, after):
        if all(run.verdict == RunOutcome.inconclusive for run in group.runs):
            return f"every run of {group.name} is inconclusive"
    if not compared:
        return "nothing could be compared"
    if level == WORKERS:
        found = f"{len(before.runs)} against {len(after.runs)} runs"
        return f"{found} are too few: {RUNS_NEEDED} on each side can tell"
    return ""


def _difference(
    metric: Metric, effect: Effect, p: float, level: str, tolerance: float, share: float
) -> Difference:
    relative = effect.relative
    large = (relative is None or abs(relative) >= LEAST_RELATIVE[level]) and (
        abs(effect.change) >= least(metric.unit, level)
    )
    real = p < ALPHA[level] and large
    worse = (effect.change > 0) if metric.better is Better.lower else (effect.change < 0)
    worse = worse and metric.better is not Better.neither
    # Two single runs differ by what the machine did as well: that is no regression of the system.
    regression = level == RUNS and real and worse and (relative is None or abs(relative) > tolerance)
    return Difference(
        metric=metric.name,
        unit=metric.unit.value,
        better=metric.better.value,
        before=effect.before,
        after=effect.after,
        change=effect.change,
        low=effect.low,
        high=effect.high,
        relative=relative,
        p=p,
        real=real,
        worse=worse,
        regression=regression,
        seen_from=effect.seen_from(share) if level == RUNS else None,
    )


def _notes(before: Group, after: Group, level: str, compared: int) -> list[str]:
    notes = []
    if level == WORKERS:
        notes.append(
            f"{len(before.runs)} against {len(after.runs)} runs: workers inside the runs are compared. That "
            "tells whether these runs differ, not whether the systems do: what the machine did differently "
            f"counts as well. {RUNS_NEEDED} runs on each side or more can tell (--repeat 5)."
        )
    if not compared:
        notes.append("nothing could be compared: no metric has two numbers on each side")
    workers = {run.workers for group in (before, after) for run in group.runs}
    if len(workers) > 1:
        notes.append(f"the runs had different numbers of workers: {', '.join(map(str, sorted(workers)))}")
    changed = _changed(before, after)
    if changed:
        notes.append(f"what was set differently: {'; '.join(changed)}")
    for group in (before, after):
        failed = [run for run in group.runs if run.verdict == RunOutcome.failed]
        notes += [f"{run.name} failed: {shorten(run.because, 200)}" for run in failed[:3]]
        notes += [f"{run.name}: {what}" for run in group.runs for what in run.missing]
    return notes


def _changed(before: Group, after: Group) -> list[str]:
    """Settings with one value on each side, and not the same."""
    changed = []
    for key in sorted({key for group in (before, after) for run in group.runs for key in run.settings}):
        values = [{run.settings.get(key, "default") for run in group.runs} for group in (before, after)]
        if all(len(side) == 1 for side in values) and values[0] != values[1]:
            changed.append(f"{key} {values[0].pop()} → {values[1].pop()}")
    return changed


def _ever_failed(group: Group) -> bool:
    return any(run.verdict == RunOutcome.failed for run in group.runs)


def conclusive(runs: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """The runs that prove something, and a sentence for each that is left out; all of them if none does."""
    kept = [run for run in runs if run.verdict != RunOutcome.inconclusive]
    left = [f"{run.name} was inconclusive ({shorten(run.because, 120)})" for run in runs if run not in kept]
    if not kept:
        return list(runs), [f"{told}; it is compared all the same" for told in left]
    return kept, [f"{told}, and is left out" for told in left]
