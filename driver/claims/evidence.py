"""Evidence of a claim: an operation, the fault that was on, and lines of logs that name its key. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from driver.checks.finding import SHOWN, Evidence, show
from driver.claims.cells import SHOWN_CHARS, listed
from driver.histories.history import History
from driver.histories.readings import readings_by_name
from driver.histories.run_timeline import FaultWindow, run_timeline
from driver.histories.system_events import Cell, Operation
from driver.visible import one_line
from wire.events import Event
from wire.limits import cut

LOG_COLUMNS = frozenset({"line", "message"})
"""A reading's column with one of these names has lines of a log."""
LOG_ROWS = 20_000
"""Rows of logs that are searched for one key."""
LINE_CHARS = 200
OPERATIONS = 2
"""Operations that evidence shows, each with its fault and a line of a log."""


def faults_at(history: History, from_ns: int, until_ns: int) -> list[FaultWindow]:
    """Return the faults that were on in some part of a time."""
    run = history.view(run_timeline)
    return [
        one
        for one in run.faults
        if one.due_ns <= until_ns and from_ns <= (run.end_ns if one.ended_ns is None else one.ended_ns)
    ]


def fault_clause(history: History, operation: Operation) -> str:
    """Return `at 12.3 s, while cut-1 was on`: when an operation was called, and under which faults."""
    run = history.view(run_timeline)
    on = [one.fault for one in faults_at(history, operation.call_ns, operation.return_ns)]
    under = f", while {listed(on)} {'was' if len(on) == 1 else 'were'} on" if on else ""
    return f"at {run.at_s(operation.call_ns):.1f} s{under}"


def evidence_of(history: History, operations: Sequence[Operation]) -> tuple[Evidence, ...]:
    """Return the first operations, each with the fault that was on, or the next one, and a log's line."""
    shown: list[Evidence] = []
    faults: list[Event] = []
    for operation in operations[:OPERATIONS]:
        on = (
            faults_at(history, operation.call_ns, operation.return_ns)[:1]
            or [one for one in history.view(run_timeline).faults if one.due_ns > operation.return_ns][:1]
        )
        new: list[Event] = [one.begun for one in on if one.begun not in faults]
        faults += new
        shown += [replace(one, text=one_line(one.text)) for one in show(history, [operation, *new])]
        shown += _log_line(history, operation.key)
    return tuple(shown[:SHOWN])


def evidence_of_rows(
    history: History, name: str, rows: Iterable[tuple[Sequence[str], Sequence[Cell]]]
) -> tuple[Evidence, ...]:
    """Return rows of an observation's newest reading as evidence, each with its columns' names."""
    tables = history.view(readings_by_name).get(name, [])
    if not tables:
        return ()
    event, run = tables[-1].events[0], history.view(run_timeline)
    where, at_s = str(history.where(event)), round(run.at_s(event.at_ns), 6)
    return tuple(
        Evidence(where, at_s, one_line(cut(f"{name} {_row(columns, cells)}", LINE_CHARS)))
        for _, (columns, cells) in zip(range(SHOWN), rows, strict=False)
    )


def _row(columns: Sequence[str], cells: Sequence[Cell]) -> str:
    return " ".join(
        f"{name}={cut(str(cell), SHOWN_CHARS)}" for name, cell in zip(columns, cells, strict=False)
    )


def _log_line(history: History, key: str) -> list[Evidence]:
    """Return the first line of a log that has the key in it, from the readings that have lines."""
    left = LOG_ROWS
    for name, tables in history.view(readings_by_name).items() if key else ():
        places = [place for place, column in enumerate(tables[-1].columns) if column in LOG_COLUMNS]
        for row in tables[-1].rows[:left] if places and not tables[-1].unknown else ():
            left -= 1
            for place in places:
                if key in str(row[place]):
                    return list(evidence_of_rows(history, name, [(tables[-1].columns, row)]))
    return []
