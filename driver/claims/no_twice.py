"""No key is in the final reading twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.checks.finding import Finding, passed, unknown, violated
from driver.claims.cells import key_of, listed, shown
from driver.claims.claim import Claim, Field, Names
from driver.claims.evidence import evidence_of, evidence_of_rows
from driver.claims.operations import of_load
from driver.claims.readings import final_cells
from driver.claims.sentences import column
from driver.histories.history import History


@dataclass(frozen=True)
class NoTwice(Claim):
    """No two cells of `stored` are one key."""

    name: ClassVar = "no_twice"
    forms: ClassVar = ("no OBSERVATION.COLUMN twice",)
    example: ClassVar = "no stored.id twice"
    means: ClassVar = "Each key is in one row of the final reading. NULL is no key."
    fails: ClassVar = "a key is in two rows or more: doubled"
    rank: ClassVar = 20
    broken_by: ClassVar = ("row_repeated",)
    stays_failed: ClassVar = True

    stored: Field

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, column(bound[0], names))

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (self.stored,)

    def judge(self, history: History) -> Finding:
        table, cells, trouble = final_cells(history, self.stored)
        if table is None or trouble:
            return unknown(self.text, trouble)
        stored = Counter(key for cell in cells if (key := key_of(cell)) is not None)
        if not stored:
            return unknown(self.text, f"{self.stored} has no key at the end: nothing was tested")
        doubled = [key for key, count in stored.items() if count > 1]
        if not doubled:
            because = f"each of {len(stored):,} {self.stored} is there once"
            return passed(self.text, because, measured=0, threshold=0, margin=0)
        most = max(doubled, key=lambda key: stored[key])
        because = (
            f"{len(doubled):,} of {len(stored):,} {self.stored} are there more than once: {listed(doubled)}; "
            f"{shown(most)} is there {stored[most]:,} times"
        )
        sent = [one for one in of_load(history, "") if one.key == doubled[0]]
        rows = [row for row, cell in zip(table.rows, cells, strict=True) if key_of(cell) == doubled[0]]
        evidence = (
            *evidence_of_rows(history, table.name, ((table.columns, row) for row in rows[:2])),
            *evidence_of(history, sent[:1]),
        )
        return violated(self.text, because, len(doubled), evidence[:5])
