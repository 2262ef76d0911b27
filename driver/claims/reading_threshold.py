"""A threshold on the readings of an observation that is a number: `queue_max <= 100`, `queue_last == 0`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from driver.checks.finding import Finding, failed, passed, unknown
from driver.claims.claim import Claim, Field, Names
from driver.histories.history import DRIVER, History
from driver.histories.journal_kinds import OBSERVER
from driver.histories.readings import WholeReading, final_reading, readings_of
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Unit
from driver.metrics.quantities import OPERATORS, margin_of, parse_quantity, unit_of_quantity, write
from driver.nouns import counted

LAST = "last"
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"max": max, "min": min}
"""Of all readings; LAST is the final one alone."""
_FARTHEST = {"max": math.inf, "min": -math.inf}
"""Where a reading that is not known could move the statistic to."""


@dataclass(frozen=True)
class ReadingThreshold(Claim):
    """`observation_statistic sign value`, the value in `unit`."""

    name: ClassVar = "reading_threshold"
    forms: ClassVar = ()
    example: ClassVar = "queue_max <= 100"
    means: ClassVar = "The largest (_max), smallest (_min) or final (_last) reading satisfies the comparison."
    fails: ClassVar = "it does not"
    requires: ClassVar = (DRIVER, OBSERVER)
    time_sensitive: ClassVar = True
    broken_by: ClassVar = ("readings_bad",)

    observation: str
    statistic: str
    sign: str
    value: float
    unit: Unit

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        """Return the threshold of its name, sign and quantity. Raises ValueError."""
        name, sign, quantity = bound
        observation, _, statistic = name.rpartition("_")
        number = parse_quantity(quantity)
        unit = unit_of_quantity(number)
        return cls(text, observation, statistic, sign, number.to(unit), unit)

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (Field(self.observation),)

    @property
    def own_numbers(self) -> tuple[tuple[str, str], ...]:
        return ((self.observation, self.statistic),)

    def judge(self, history: History) -> Finding:
        if self.statistic == LAST:
            final = final_reading(history, self.observation)
            readings = [final] if final is not None else []
        else:
            readings = readings_of(history, self.observation)
        known = [one.number for one in readings if not one.unknown and one.number is not None]
        missing = _missing(history, readings) if self.statistic != LAST else ""
        if not known:
            reason = next((one.unknown for one in readings if one.unknown), "")
            because = f"no reading of {self.observation} is a number{f': {reason[:200]}' if reason else ''}"
            return unknown(self.text, because, threshold=self.value, unit=self.unit.value)
        measured = STATISTICS.get(self.statistic, max)(known)
        holds = OPERATORS[self.sign](measured, self.value)
        because = (
            f"{self.observation}_{self.statistic} of {counted(len(known), 'reading')} is "
            f"{write(measured, self.unit)}; {self.sign} {write(self.value, self.unit)} was expected"
        )
        if missing and not self._is_settled(measured):
            return unknown(self.text, f"{because}; but {missing}", **self._numbers(measured))
        return (passed if holds else failed)(self.text, because, **self._numbers(measured))

    def _is_settled(self, measured: float) -> bool:
        """Whether no further reading could change whether it holds."""
        farthest = _FARTHEST[self.statistic]
        if self.sign == "==":
            return measured != self.value and (measured > self.value) == (farthest > self.value)
        compare = OPERATORS[self.sign]
        return compare(measured, self.value) == compare(farthest, self.value)

    def _numbers(self, measured: float) -> dict[str, Any]:
        return {
            "measured": measured,
            "threshold": self.value,
            "margin": margin_of(measured, self.sign, self.value),
            "unit": self.unit.value,
        }


def reading_threshold(
    text: str, name: str, sign: str, quantity: str, names: Names | None
) -> ReadingThreshold | None:
    """Return the threshold of `queue_max <= 100`; None where its name is none of an observation.

    `names` is None where a stored run is judged. Raises ValueError for an observation that is a table, and
    for a quantity that is none.
    """
    observation, _, statistic = name.rpartition("_")
    if statistic not in (*STATISTICS, LAST) or not observation:
        return None
    if names is not None and observation not in names.observations:
        return None
    if names is not None and names.observations[observation]:
        raise ValueError(f"{observation} is a table: a threshold needs an observation that is one number")
    return ReadingThreshold.of(text, "", (name, sign, quantity), names)


def _missing(history: History, readings: Sequence[WholeReading]) -> str:
    """Return which reading is unknown although no fault was on, as a clause; "" for none."""
    faults = history.view(run_timeline).under_fault
    for one in readings:
        under = any(begin <= one.at_ns and one.asked_ns <= end for begin, end in faults)
        if one.unknown and not under:
            at_s = history.view(run_timeline).at_s(one.asked_ns)
            return f"the reading at {at_s:.1f} s, outside of any fault, is unknown: {one.unknown[:200]}"
    return ""
