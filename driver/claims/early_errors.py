"""What is wrong with claims on a system that is up, before its first fault. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from driver.claims.claim import Claim, Field
from driver.claims.operations import repeated_keys, sent_by
from driver.claims.readings import cells_of
from driver.histories.history import History, JournalRead
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.readings import first_reading
from driver.histories.system_events import Operation, Reading


def early_errors(
    claims: Iterable[Claim], readings: Sequence[Reading], operations: Sequence[Operation] = ()
) -> list[str]:
    """Return what no judgement at the end could repair, a sentence each, which names the claim.

    `readings` are those before the first fault, `operations` those until now: a column that is not there, and
    keys that are not unique.
    """
    history = History({OBSERVER: JournalRead.of(OBSERVER, readings), LOAD: JournalRead.of(LOAD, operations)})
    found = []
    for claim in claims:
        for field in claim.own_fields:
            problem = (
                _of_load(claim, field, history)
                if field.source in claim.own_loads
                else _of_column(field, history)
            )
            if problem:
                found.append(f"{claim.text}: {problem}")
    return found


def _of_load(claim: Claim, field: Field, history: History) -> str:
    return repeated_keys(sent_by(history, field.source), field) if claim.unique else ""


def _of_column(field: Field, history: History) -> str:
    """Return why a column is not in the first reading. A number shows nothing: it may be a table of a row."""
    table = first_reading(history, field.source)
    if table is None or table.unknown or table.number is not None or not field.name:
        return ""
    return cells_of(table, field.name)[1]
