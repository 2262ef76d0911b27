"""Every key of an acknowledged operation is in the final reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.checks.finding import Finding, passed, unknown, violated
from driver.claims.cells import key_of, listed, shown
from driver.claims.claim import Claim, Field, Names
from driver.claims.evidence import evidence_of, fault_clause
from driver.claims.operations import is_ok, is_open, key_in, repeated_keys, sent_by
from driver.claims.readings import final_cells, keys_before, sent_again
from driver.claims.sentences import column, operation_field
from driver.histories.history import History
from driver.histories.readings import WholeReading
from driver.histories.system_events import Cell, Operation


@dataclass(frozen=True)
class Account:
    """What became of the keys of operations in a final reading, each counted once and apart."""

    acknowledged: int
    lost: list[Operation]
    doubled: list[str]
    never_sent: list[str]
    open_there: int
    open_absent: int
    refused_there: list[Operation]

    def __str__(self) -> str:
        unknown_ones = self.open_there + self.open_absent
        return (
            f"{len(self.doubled):,} doubled, {len(self.never_sent):,} never sent, {unknown_ones:,} unknown "
            f"({self.open_there:,} of them stored), {len(self.refused_there):,} refused but stored"
        )


@dataclass(frozen=True)
class EveryAcknowledged(Claim):
    """`sent` of each operation that was acknowledged is a cell of `stored` at the end."""

    name: ClassVar = "every_acknowledged"
    forms: ClassVar = ("every acknowledged LOAD.key in OBSERVATION.COLUMN",)
    example: ClassVar = "every acknowledged orders.key in stored.id"
    means: ClassVar = (
        "Each operation of the load that was acknowledged before the final reading was asked for has its key "
        "in the column. Doubled, never sent, unknown, and refused but stored are counted apart and fail "
        "other claims. Where a key was in the first reading already, and was sent after it, the finding is "
        "unknown: that it is there shows nothing."
    )
    fails: ClassVar = "an acknowledged key is not there: lost"
    rank: ClassVar = 10
    broken_by: ClassVar = ("row_forgotten",)
    unique: ClassVar = True

    sent: Field
    stored: Field

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, operation_field(bound[0], names), column(bound[1], names))

    @property
    def own_loads(self) -> tuple[str, ...]:
        return (self.sent.source,)

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (self.sent, self.stored)

    def judge(self, history: History) -> Finding:
        table, cells, trouble = final_cells(history, self.stored)
        if table is None or trouble:
            return unknown(self.text, trouble)
        operations = sent_by(history, self.sent.source)
        if repeated := repeated_keys(operations, self.sent):
            return unknown(self.text, repeated)
        found = account(operations, self.sent, cells, table, keys_before(history, self.stored))
        if not found.acknowledged:
            return unknown(
                self.text,
                f"no operation of {self.sent.source} was acknowledged, of {len(operations):,}: nothing was "
                f"tested; {found}",
            )
        old = sent_again(history, operations, self.sent, self.stored)
        if old and not found.lost:
            return unknown(self.text, f"{old}; {found}")
        if not found.lost:
            because = f"all {found.acknowledged:,} acknowledged {self.sent} are in {self.stored}; {found}"
            evidence = evidence_of(history, found.refused_there)
            return passed(self.text, because, measured=0, threshold=0, margin=0, evidence=evidence)
        first = found.lost[0]
        because = (
            f"{len(found.lost):,} of {found.acknowledged:,} acknowledged {self.sent} are not in "
            f"{self.stored}: {listed([key_in(one, self.sent) or '' for one in found.lost])}; "
            f"{shown(key_in(first, self.sent))} was called {fault_clause(history, first)}; {found}"
        )
        return violated(self.text, because, len(found.lost), evidence_of(history, found.lost))


def account(
    operations: Sequence[Operation],
    field: Field,
    cells: Sequence[Cell],
    table: WholeReading,
    before: frozenset[str],
) -> Account:
    """Return what became of each key. `before` are keys that were there before the first fault.

    An operation that was answered after the reading had been asked for counts as unknown.
    """
    stored = Counter(key for cell in cells if (key := key_of(cell)) is not None)
    lost, refused_there, acknowledged = [], [], 0
    open_there = open_absent = 0
    keys = set()
    for operation in operations:
        key = key_in(operation, field)
        if key is None:
            continue
        keys.add(key)
        if is_open(operation) or (is_ok(operation) and operation.return_ns > table.asked_ns):
            open_there += key in stored
            open_absent += key not in stored
        elif is_ok(operation):
            acknowledged += 1
            if key not in stored:
                lost.append(operation)
        elif key in stored:
            refused_there.append(operation)
    return Account(
        acknowledged,
        lost,
        [key for key, count in stored.items() if count > 1],
        [key for key in stored if key not in keys and key not in before],
        open_there,
        open_absent,
        refused_there,
    )
