"""Of each key, the rows of the final reading are in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from driver.checks.finding import Finding, passed, unknown, violated
from driver.claims.cells import Number, key_of, number_of, shown
from driver.claims.claim import Claim, Field, Names
from driver.claims.evidence import evidence_of_rows
from driver.claims.readings import cells_of, final_cells
from driver.claims.sentences import column
from driver.histories.history import History
from driver.histories.system_events import Cell


@dataclass(frozen=True)
class InOrder(Claim):
    """In the order of the rows, `place` never falls from one row of a `key` to its next."""

    name: ClassVar = "in_order"
    forms: ClassVar = ("OBSERVATION.COLUMN in order for each OBSERVATION.COLUMN",)
    example: ClassVar = "stored.seq in order for each stored.key"
    means: ClassVar = (
        "In the order of the final reading's rows, which its query sets (`ORDER BY`), the first column never "
        "falls from one row of a key to the next row of that key. Numbers, and texts of numbers, are "
        "compared as numbers; other texts by their characters. Those of one key are all of one sort; else "
        "the finding is unknown. Equal ones are in order."
    )
    fails: ClassVar = "it falls: reordered"
    rank: ClassVar = 40
    broken_by: ClassVar = ("rows_swapped",)
    stays_failed: ClassVar = True

    place: Field
    key: Field

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        place, key = column(bound[0], names), column(bound[1], names)
        if place.source != key.source:
            raise ValueError(
                f"expected two columns of one observation; found {place} and {key}: rows of two observations "
                "have no order among them"
            )
        return cls(text, place, key)

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (self.place, self.key)

    def judge(self, history: History) -> Finding:
        table, places, trouble = final_cells(history, self.place)
        if table is None or trouble:
            return unknown(self.text, trouble)
        cells, trouble = cells_of(table, self.key.name)
        if trouble:
            return unknown(self.text, trouble)
        rows = [(place, key, at) for at, (place, cell) in enumerate(zip(places, cells, strict=True))
                if (key := key_of(cell)) is not None]  # fmt: skip
        by_key: dict[str, list[int]] = {}
        for index, (_, key, _) in enumerate(rows):
            by_key.setdefault(key, []).append(index)
        ordered: dict[int, Number | str] = {}
        for key, indices in by_key.items():
            places_of = _comparable([rows[index][0] for index in indices])
            if isinstance(places_of, str):
                because = f"{self.place} of {shown(key)} cannot be put in order: {places_of}"
                return unknown(self.text, because)
            ordered.update(zip(indices, places_of, strict=True))
        last: dict[str, int] = {}
        compared, fallen = 0, []
        for index, (_, key, _) in enumerate(rows):
            if key in last:
                compared += 1
                if _falls(ordered[last[key]], ordered[index]):
                    fallen.append((last[key], index))
            last[key] = index
        if not compared:
            return unknown(self.text, f"no {self.key} has two rows at the end: nothing was tested")
        if not fallen:
            because = f"{self.place} never falls in {compared:,} steps of {len(last):,} {self.key}"
            return passed(self.text, because, measured=0, threshold=0, margin=0)
        one, other = (rows[index] for index in fallen[0])
        because = (
            f"{self.place} falls in {len(fallen):,} of {compared:,} steps: of {shown(one[1])} from "
            f"{shown(key_of(one[0]))} (row {one[2] + 1:,}) to {shown(key_of(other[0]))} "
            f"(row {other[2] + 1:,})"
        )
        evidence = evidence_of_rows(
            history, table.name, ((table.columns, table.rows[row[2]]) for row in (one, other))
        )
        return violated(self.text, because, len(fallen), evidence)


def _comparable(cells: Sequence[Cell]) -> list[Number] | list[str] | str:
    """Return one key's cells as numbers where all are, or as texts where none is one; else what keeps them
    from being compared.
    """
    numbers = [number for cell in cells if (number := number_of(cell)) is not None]
    if len(numbers) == len(cells):
        return numbers
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) == len(cells) and not numbers:
        return texts
    odd = next(cell for cell in cells if number_of(cell) is None)
    return f"{shown(key_of(odd))} is no number, and not all are texts that are none"


def _falls(one: Number | str, other: Number | str) -> bool:
    if isinstance(one, str):
        return isinstance(other, str) and other < one
    return not isinstance(other, str) and other < one
