"""A counter grew by at least what was acknowledged, and by at most what was attempted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from driver.checks.finding import Finding, Status, failed, passed, unknown
from driver.claims.cells import Number, key_of, number_of, shown
from driver.claims.claim import Claim, Field, Names
from driver.claims.operations import is_ok, is_open, sent_by
from driver.claims.reading_threshold import LAST
from driver.claims.readings import cells_of
from driver.claims.sentences import column, load_named, observation_named
from driver.histories.history import History
from driver.histories.readings import MAX_EXACT, WholeReading, final_reading, first_reading
from driver.histories.system_events import Cell, Operation

ROUNDING = 1 << 40
"""Which part of a total that sums of floats may be off by."""
MOST = 8 * 10**307
"""The largest number that a finding gives."""


@dataclass(frozen=True)
class GrowthBounds:
    """By how much a counter may have grown between two readings, at least and at most."""

    acknowledged: int
    least: Number
    most: Number


@dataclass(frozen=True)
class Counter(Claim):
    """The growth of `total` from the first to the final reading is between two sums of operations' values."""

    name: ClassVar = "counter"
    forms: ClassVar = (
        "counter OBSERVATION.COLUMN between acknowledged and attempted",
        "counter OBSERVATION between acknowledged and attempted",
        "counter OBSERVATION.COLUMN between acknowledged and attempted of LOAD",
        "counter OBSERVATION between acknowledged and attempted of LOAD",
    )
    example: ClassVar = "counter stored.total between acknowledged and attempted"
    means: ClassVar = (
        "The number, or the sum of the column, grew from the first to the final reading by at least what was "
        "acknowledged and at most what was attempted. An operation adds its value where that is a number, "
        "else 1. Of the scenario's only load, or of the one that is named. Integers and texts are exact; "
        "where a reading or a value is a float with a fraction, the growth may be off by a 2⁴⁰th of the "
        "total. A number from 2⁵³ on is unknown."
    )
    fails: ClassVar = "it grew by less: lost; or by more: counted twice, or refused but counted"
    rank: ClassVar = 60
    broken_by: ClassVar = ("readings_bad", "row_repeated", "row_forgotten")

    total: Field
    load: str

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        total = column(bound[0], names) if "." in bound[0] else Field(observation_named(bound[0], names))
        if len(bound) > 1:
            return cls(text, total, load_named(bound[1], names))
        if names is not None and len(names.loads) != 1:
            raise ValueError(
                f"expected the load of this counter, like '{text} of {next(iter(names.loads), 'votes')}': "
                f"the scenario has {len(names.loads)} loads"
            )
        return cls(text, total, "")

    @property
    def own_loads(self) -> tuple[str, ...]:
        return (self.load,) if self.load else ()

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (self.total,)

    @property
    def own_numbers(self) -> tuple[tuple[str, str], ...]:
        return () if self.total.name else ((self.total.source, LAST),)

    def judge(self, history: History) -> Finding:
        first, final = (read(history, self.total.source) for read in (first_reading, final_reading))
        if first is None or final is None:
            moment = "before the first fault" if first is None else "after the last fault"
            return unknown(self.text, f"{self.total.source} was not read {moment}")
        begin, end = _total(first, self.total), _total(final, self.total)
        for number in (begin, end):
            if isinstance(number, str):
                return unknown(self.text, number)
        assert not isinstance(begin, str)
        assert not isinstance(end, str)
        operations = sent_by(history, self.load)
        bounds = bounds_of(operations, first, final)
        if not bounds.acknowledged:
            because = f"no operation was acknowledged, of {len(operations):,}: nothing was tested"
            return unknown(self.text, because)
        values = [one.value for one in operations]
        cells = [*_summed(first, self.total), *_summed(final, self.total), *values]
        most = max(begin, -begin, end, -end, 1)
        slack = Fraction(most) / ROUNDING if any(map(_is_rounded, cells)) else 0
        return _against(self.text, self.total, end - begin, bounds, slack)


def bounds_of(operations: Sequence[Operation], first: WholeReading, final: WholeReading) -> GrowthBounds:
    """Return the bounds of the growth between two readings.

    What was called after the first reading's answer and answered before the final one was asked for is part
    of the growth if it was acknowledged. What overlaps a reading, or is unknown, may be.
    """
    acknowledged = 0
    least: Number = 0
    most: Number = 0
    for operation in operations:
        amount = number_of(operation.value)
        amount = 1 if amount is None else amount
        if is_ok(operation):
            if operation.return_ns <= first.asked_ns or operation.call_ns >= final.at_ns:
                continue
            if operation.call_ns >= first.at_ns and operation.return_ns <= final.asked_ns:
                acknowledged += 1
                least, most = least + amount, most + amount
                continue
        elif not is_open(operation) or operation.call_ns >= final.at_ns:
            continue
        least, most = least + min(amount, 0), most + max(amount, 0)
    return GrowthBounds(acknowledged, least, most)


def _total(table: WholeReading, field: Field) -> Number | str:
    """Return a reading's number, or the sum of its column; a sentence where it is unknown."""
    when = table.events[0].moment
    if table.unknown:
        return f"the reading of {table.name} {when} is unknown: {table.unknown[:200]}"
    if not field.name:
        number = number_of(table.number)
        if number is None:
            return f"{table.name} is a table: name its column, like {table.name}.total"
        is_exact = -MAX_EXACT < number < MAX_EXACT
        return number if is_exact else f"{table.name} {when} is too large to be exact: {_shown(number)}"
    cells, trouble = cells_of(table, field.name)
    if trouble:
        return trouble
    total: Number = 0
    for cell in cells:
        number = number_of(cell)
        if number is None and cell is not None:
            return f"a cell of {field} is no number: {shown(key_of(cell))}"
        # An SQL sum of no rows is NULL.
        total += number or 0
    return total


def _summed(table: WholeReading, field: Field) -> list[Cell]:
    """Return the cells whose sum a reading's total is."""
    return cells_of(table, field.name)[0] if field.name else [table.number]


def _is_rounded(cell: Cell) -> bool:
    return isinstance(cell, float) and not cell.is_integer()


def _against(text: str, total: Field, grown: Number, bounds: GrowthBounds, slack: Number) -> Finding:
    low, high = bounds.least, bounds.most
    because = f"{total} grew by {_shown(grown)}; {_shown(low)} were acknowledged and {_shown(high)} attempted"
    status = Status.passed if low - slack <= grown <= high + slack else Status.failed
    bound, margin = min((low, grown - low), (high, high - grown), key=lambda one: one[1])
    if status is Status.failed:
        because += f": {_shown(-margin)} {'lost' if grown < low else 'too many'}"
    measured, threshold = _float(grown), _float(bound)
    distance = abs(measured - threshold)
    return (passed if status is Status.passed else failed)(
        text,
        because,
        measured=measured,
        threshold=threshold,
        margin=distance if status is Status.passed else -distance,
    )


def _float(number: Number) -> float:
    """Return a number for compare, of at most half the largest float, so that differences are floats too."""
    return float(min(max(number, -MOST), MOST))


def _shown(number: Number) -> str:
    return f"{number:,}" if isinstance(number, int) and abs(number) < 10**18 else f"{_float(number):,.10g}"
