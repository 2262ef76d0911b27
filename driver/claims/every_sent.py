"""Every key of the final reading was sent by an operation, and not refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.checks.finding import SHOWN, Finding, passed, unknown, violated
from driver.claims.cells import key_of, listed
from driver.claims.claim import Claim, Field, Names
from driver.claims.evidence import evidence_of, evidence_of_rows
from driver.claims.operations import grouped_by_key, sent_by
from driver.claims.readings import final_cells, keys_before
from driver.claims.sentences import column, load_named
from driver.histories.history import History
from driver.histories.system_events import FAIL, Operation


@dataclass(frozen=True)
class EverySent(Claim):
    """Each cell of `stored` is the key of an operation that was not refused, of `load` or ("") of any."""

    name: ClassVar = "every_sent"
    forms: ClassVar = (
        "every OBSERVATION.COLUMN was sent",
        "every OBSERVATION.COLUMN was sent by LOAD",
    )
    example: ClassVar = "every stored.id was sent"
    means: ClassVar = (
        "Each key of the final reading is the key of an operation that was acknowledged or is unknown. Keys "
        "of the first reading were there before and are left out."
    )
    fails: ClassVar = "a key was never sent, or all its operations were refused: refused but stored"
    rank: ClassVar = 30
    broken_by: ClassVar = ("row_claimed",)

    stored: Field
    load: str

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        return cls(text, column(bound[0], names), load_named(bound[1], names) if len(bound) > 1 else "")

    @property
    def own_loads(self) -> tuple[str, ...]:
        return (self.load,) if self.load else ()

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (self.stored,)

    def judge(self, history: History) -> Finding:
        table, cells, trouble = final_cells(history, self.stored)
        if table is None or trouble:
            return unknown(self.text, trouble)
        operations = sent_by(history, self.load)
        if not operations:
            return unknown(self.text, "no operation was sent: nothing was tested")
        sent = grouped_by_key(operations)
        before = keys_before(history, self.stored)
        stored = dict.fromkeys(key for cell in cells if (key := key_of(cell)) is not None)
        judged = [key for key in stored if key in sent or key not in before]
        if not judged:
            return unknown(self.text, f"{self.stored} has no key of this run at the end: nothing was tested")
        never = [key for key in judged if key not in sent]
        refused = [key for key in judged if key in sent and _all_refused(sent[key])]
        if not never and not refused:
            because = f"all {len(judged):,} {self.stored} were sent"
            return passed(self.text, because, measured=0, threshold=0, margin=0)
        parts = [f"{len(never):,} were never sent: {listed(never)}"] if never else []
        parts += [f"{len(refused):,} were refused but stored: {listed(refused)}"] if refused else []
        because = f"of {len(judged):,} {self.stored} {'; '.join(parts)}"
        rows = [row for row, cell in zip(table.rows, cells, strict=True) if key_of(cell) in never[:2]]
        evidence = (
            *evidence_of_rows(history, table.name, ((table.columns, row) for row in rows[:2])),
            *evidence_of(history, [one for key in refused[:2] for one in sent[key][:1]]),
        )
        return violated(self.text, because, len(never) + len(refused), evidence[:SHOWN])


def _all_refused(operations: Sequence[Operation]) -> bool:
    return all(one.outcome == FAIL for one in operations)
