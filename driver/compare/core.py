"""The comparison of two groups of runs: what differs, by how much, and what is worse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import msgspec

from driver.compare.compared_metrics import CLIENTS, LEAST_RELATIVE, RUNS, compared_metrics, least, weight
from driver.compare.statistics import ALPHA, RUNS_NEEDED, MeanDifference, corrected, of_clients, of_runs
from driver.judging.verdict import RunOutcome
from driver.metrics.metric import Better, Metric


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run. `verdict` is "" where the run was never judged; `because` gives its reason.

    `values` has metrics of the run, `by_client` figures of its clients (metric, then client), each in the
    metric's unit. `missing` names what could not be read. `variables` are those of the run's cell of a
    matrix: `policy=fixed, outage=5s`. `early_s`: its load ended so long before its planned end.
    """

    name: str
    scenario: str
    duration_s: float
    clients: int = msgspec.field(name="workers")
    verdict: str
    because: str
    values: dict[str, float | None]
    by_client: dict[str, dict[str, float]] = msgspec.field(name="by_worker")
    missing: list[str] = []
    settings: dict[str, str] = {}
    variables: str = ""
    early_s: float = 0.0


class Group(msgspec.Struct, frozen=True):
    """One side of a comparison: runs of one scenario and duration, at least one."""

    name: str
    runs: list[Sample]

    @property
    def kind(self) -> tuple[str, float]:
        """The scenario and its duration, which must be the same on both sides."""
        return (self.runs[0].scenario, self.runs[0].duration_s)

    def numbers(self, name: str, level: str) -> list[float]:
        """Return a metric's known numbers: one for each run, or one for each client of each run."""
        if level == CLIENTS:
            return [value for run in self.runs for value in run.by_client.get(name, {}).values()]
        found = []
        for run in self.runs:
            clients = run.by_client.get(name, {})
            value = sum(clients.values()) / len(clients) if clients else run.values.get(name)
            if value is not None:
                found.append(value)
        return found


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on both sides; `change` is `after` less `before`, `relative` the same as a part of `before`.

    `real`: noise does not explain the change. `worse`: its direction is not the wanted one. `regression`:
    real, worse, and beyond the tolerance. `p` is corrected for the number of metrics. `low` and `high` bound
    `change` (95 %, uncorrected). `relative` is None where `before` is zero. `seen_from` is the smallest
    change that nine of ten such comparisons find; None: not computed.
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
    """Two groups side by side. `level`: runs were compared, or the clients inside too few runs.

    `undecided` is the reason why these runs do not decide whether the systems differ; "" where they do.
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
        """The differences that noise does not explain."""
        return [one for one in self.differences if one.real]


def compare(before: Group, after: Group, tolerance: float, among: int = 1, by: str = "") -> Comparison:
    """Return the comparison of two groups of the same scenario.

    `tolerance` is the part of `before` by which a metric may be worse (0.1 is 10 %). `among` is the number of
    comparisons made at once: each p-value is multiplied by it. `by` names a metric that is compared beside
    the usual ones. Raises UsageError where `by` is no figure of single clients and there are too few runs.
    """
    level = RUNS if min(len(before.runs), len(after.runs)) >= RUNS_NEEDED else CLIENTS
    effects: list[tuple[Metric, MeanDifference]] = []
    for metric in compared_metrics(level, by).values():
        sides = before.numbers(metric.name, level), after.numbers(metric.name, level)
        if min(len(side) for side in sides) >= 2:
            effects.append((metric, of_runs(*sides) if level == RUNS else of_clients(*sides, among)))
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
    if level == CLIENTS:
        found = f"{len(before.runs)} against {len(after.runs)} runs"
        return f"{found} are too few: it takes {RUNS_NEEDED} on each side"
    return ""


def _difference(
    metric: Metric, effect: MeanDifference, p: float, level: str, tolerance: float, share: float
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
    if level == CLIENTS:
        notes.append(
            f"{len(before.runs)} against {len(after.runs)} runs: clients inside the runs are compared. That "
            "shows whether these runs differ, not whether the systems do: what the machine did differently "
            f"counts as well. {RUNS_NEEDED} runs on each side or more are needed for that (--repeat 5)."
        )
    if not compared:
        notes.append("nothing could be compared: no metric has two numbers on each side")
    clients = {run.clients for group in (before, after) for run in group.runs}
    if len(clients) > 1:
        notes.append(f"the runs had different numbers of clients: {', '.join(map(str, sorted(clients)))}")
    changed = _changed(before, after)
    if changed:
        notes.append(f"what was set differently: {'; '.join(changed)}")
    for group in (before, after):
        failed = [run for run in group.runs if run.verdict == RunOutcome.failed]
        notes += [f"{run.name} failed: {shorten(run.because, 200)}" for run in failed[:3]]
        notes += [f"{run.name}: {what}" for run in group.runs for what in run.missing]
    return notes


def _changed(before: Group, after: Group) -> list[str]:
    """Return the settings that have one value on each side, and not the same."""
    changed = []
    for key in sorted({key for group in (before, after) for run in group.runs for key in run.settings}):
        values = [{run.settings.get(key, "default") for run in group.runs} for group in (before, after)]
        if all(len(side) == 1 for side in values) and values[0] != values[1]:
            changed.append(f"{key} {values[0].pop()} → {values[1].pop()}")
    return changed


def _ever_failed(group: Group) -> bool:
    return any(run.verdict == RunOutcome.failed for run in group.runs)


def conclusive(runs: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """Return the runs that are not inconclusive, else all runs; and a note on each inconclusive run."""
    kept = [run for run in runs if run.verdict != RunOutcome.inconclusive]
    notes = [f"{run.name} was inconclusive ({shorten(run.because, 120)})" for run in runs if run not in kept]
    if not kept:
        return list(runs), [f"{note}; it is compared all the same" for note in notes]
    return kept, [f"{note}, and is left out" for note in notes]
