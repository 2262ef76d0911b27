"""The base of claims that a comparison holds in some times of a run: of an observation that is a number, of a
signal, or of a metric of operations. Pure.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chaos.explain import did_you_mean, shortened
from driver.checks.finding import Finding, failed, passed, unknown
from driver.claims.claim import Claim, Field, Names
from driver.claims.windows import Value, operations_in, readings_in, signal_in
from driver.histories.history import History
from driver.histories.intervals import Interval, holds
from driver.histories.run_timeline import run_timeline
from driver.histories.system_events import Operation
from driver.metrics.catalogue import FAMILIES
from driver.metrics.metric import Metric, MetricFamily, Unit
from driver.metrics.quantities import OPERATORS, margin_of, parse_quantity, unit_of_quantity, write
from driver.metrics.signals import SIGNALS
from driver.nouns import counted

_COMPARISON = re.compile(r"(?P<name>[\w.-]+)\s*(?P<sign><=|>=|==|<|>)\s*(?P<quantity>.+)")


@dataclass(frozen=True)
class MeasureBound:
    """`measure sign value`, the value in `unit`."""

    measure: str
    sign: str
    value: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.measure} {self.sign} {write(self.value, self.unit)}"

    def holds(self, number: float) -> bool:
        """Whether it holds for a number."""
        return OPERATORS[self.sign](number, self.value)

    def margin(self, number: float) -> float:
        """Return the distance of a number from the bound, negative where it does not hold."""
        return margin_of(number, self.sign, self.value)


def metrics_of_operations() -> list[tuple[MetricFamily, Metric]]:
    """Return the metrics that have a value for part of a run's operations, each with its family: amounts,
    shares, and statistics of single operations. Rates and times between operations need a run without gaps.
    """
    return [
        (family, metric)
        for family in FAMILIES
        for metric in family.metrics
        if family.of_operations and (metric.statistic or metric.unit in (Unit.count, Unit.ratio))
    ]


def metric_of_operations(name: str) -> tuple[MetricFamily, Metric] | None:
    """Return the metric of that name, with or without its unit, and its family; None for another."""
    return next(
        (one for one in metrics_of_operations() if name in (one[1].name, _without_unit(one[1]))), None
    )


def parse_comparison(text: str, names: Names | None) -> MeasureBound:
    """Return the comparison of `latency_p99 <= 1s`. Raises ValueError with a sentence."""
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a comparison like 'queue == 0' or 'memory < 500MB'; found {text!r}")
    name, quantity = match["name"], parse_quantity(match["quantity"])
    if found := metric_of_operations(name):
        metric = found[1]
        value = quantity.to(metric.unit, named=name == metric.name and name != _without_unit(metric))
        return MeasureBound(metric.name, match["sign"], value, metric.unit)
    if name in SIGNALS:
        unit = SIGNALS[name].unit
        return MeasureBound(name, match["sign"], quantity.to(unit), unit)
    if names is not None and name not in names.observations:
        known = [*names.observations, *_metric_names(), *SIGNALS]
        near = did_you_mean(name, known)
        raise ValueError(
            f"{name!r} is no observation of this scenario, no metric of operations and no signal; expected "
            f"{shortened(', '.join(known), 300)}{f'. {near}' if near else ''}"
        )
    if names is not None and names.observations[name]:
        raise ValueError(f"{name} is a table: a comparison needs an observation that is one number")
    unit = unit_of_quantity(quantity)
    return MeasureBound(name, match["sign"], quantity.to(unit), unit)


def _metric_names() -> list[str]:
    return [_without_unit(metric) for _, metric in metrics_of_operations()]


def _without_unit(metric: Metric) -> str:
    return metric.name.removesuffix(f"_{metric.unit.value}")


@dataclass(frozen=True)
class TimeWindows(Claim):
    """`comparison` holds in the windows of a kind."""

    time_sensitive: ClassVar[bool] = True
    stays_failed: ClassVar[bool] = True
    broken_by: ClassVar[tuple[str, ...]] = ("readings_bad", "operation_late", "operation_refused")
    whole_operations: ClassVar[bool] = True
    """Whether an operation must also have ended in a window."""

    comparison: MeasureBound

    @property
    def journals_needed(self) -> tuple[str, ...]:
        signal = SIGNALS.get(self.comparison.measure)
        is_signal = signal is not None and metric_of_operations(self.comparison.measure) is None
        return signal.requires if signal is not None and is_signal else self.requires

    @property
    def own_fields(self) -> tuple[Field, ...]:
        is_other = self.comparison.measure in SIGNALS or metric_of_operations(self.comparison.measure)
        return () if is_other else (Field(self.comparison.measure),)

    @abstractmethod
    def windows(self, history: History) -> list[Interval]:
        """Return the times in which it must hold, in their order."""

    @abstractmethod
    def no_windows(self) -> str:
        """Return why there may be none, as a sentence."""

    def lacking(self, history: History, values: Sequence[Value], windows: Sequence[Interval]) -> str:
        """Return why these readings are too few to pass; "" where they are enough."""
        faults = history.view(run_timeline).under_fault
        for value in values:
            if value.number is None and not _touches(value, faults):
                at_s = history.view(run_timeline).at_s(value.from_ns)
                return f"the reading at {at_s:.1f} s, outside of any fault, is unknown: {value.because[:200]}"
        return ""

    def lacking_operations(self, history: History, windows: Sequence[Interval]) -> str:
        """Return why the operations in the windows are too few to pass; "" where they are enough."""
        return ""

    def judge(self, history: History) -> Finding:
        windows = self.windows(history)
        if not windows:
            return unknown(self.text, self.no_windows())
        if found := metric_of_operations(self.comparison.measure):
            return self._metric(history, windows, *found)
        signal = SIGNALS.get(self.comparison.measure)
        if signal is not None:
            return self._values(history, signal_in(history, signal, windows), windows)
        return self._values(history, readings_in(history, self.comparison.measure, windows), windows)

    def _metric(
        self, history: History, windows: Sequence[Interval], family: MetricFamily, metric: Metric
    ) -> Finding:
        part = operations_in(history, windows, whole=self.whole_operations)
        count = len(part.of(Operation))
        measured = family.measure(part).get(metric.name) if count else None
        if measured is None:
            because = f"{counted(count, 'operation')} {self._when()}: {metric.name} has no value"
            return unknown(self.text, because, threshold=self.comparison.value, unit=metric.unit.value)
        because = (
            f"{metric.name} of {counted(count, 'operation')} {self._when()} is "
            f"{write(measured, metric.unit)}; {self.comparison.sign} "
            f"{write(self.comparison.value, metric.unit)} was expected"
        )
        if self.comparison.holds(measured) and (lacking := self.lacking_operations(history, windows)):
            return unknown(self.text, f"{because}; but {lacking}", **self._numbers(measured))
        return self._against(measured, because)

    def _values(self, history: History, values: Sequence[Value], windows: Sequence[Interval]) -> Finding:
        run = history.view(run_timeline)
        found = [(value, value.number) for value in values if value.number is not None]
        if not found:
            reasons = next((one.because for one in values), "")
            because = f"{self.comparison.measure} has no value {self._when()}"
            return unknown(self.text, f"{because}{f': {reasons[:200]}' if reasons else ''}")
        worst, number = min(found, key=lambda one: self.comparison.margin(one[1]))
        bad = sum(not self.comparison.holds(one) for _, one in found)
        unknown_ones = len(values) - len(found)
        aside = f"; {counted(unknown_ones, 'reading')} unknown" if unknown_ones else ""
        because = (
            f"{counted(len(found), 'value')} {self._when()}, {bad:,} of them not {self.comparison}; the "
            f"worst is {write(number, self.comparison.unit)} at {run.at_s(worst.from_ns):.1f} s{aside}"
        )
        lacking = self.lacking(history, values, windows) if not bad else ""
        if lacking:
            return unknown(self.text, f"{because}; but {lacking}", **self._numbers(number))
        return self._against(number, because, bad=bool(bad))

    def _against(self, measured: float, because: str, *, bad: bool | None = None) -> Finding:
        is_bad = not self.comparison.holds(measured) if bad is None else bad
        return (failed if is_bad else passed)(self.text, because, **self._numbers(measured))

    def _numbers(self, measured: float) -> dict[str, Any]:
        return {
            "measured": measured,
            "threshold": self.comparison.value,
            "margin": self.comparison.margin(measured),
            "unit": self.comparison.unit.value,
        }

    def _when(self) -> str:
        """Return the windows as words: `outside faults`."""
        return self.text.partition(":")[0].lower()


def _touches(value: Value, faults: Sequence[Interval]) -> bool:
    return holds(faults, value.from_ns) or any(
        begin <= value.until_ns and value.from_ns <= end for begin, end in faults
    )
