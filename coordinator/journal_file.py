"""The coordinator's journal on disk: lines gather in memory for one turn of the loop, and are sealed and
written before any byte leaves. After a crash: the rows of the last transactions that have no line yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec

from coordinator.rows import Recovered, ResultRow, RowWithEvent, TaskRow
from wire.errors import DECODE_ERRORS
from wire.journal_chain import JournalWriter


class CoordinatorJournalFile(JournalWriter):
    """The open journal. `size_bytes` counts the bytes that the kernel has, which survive this process."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        size_bytes = os.fstat(self._descriptor).st_size
        super().__init__(size_bytes, partial(os.pread, self._descriptor), partial(os.write, self._descriptor))

    def close(self) -> None:
        """Flush, and close the file."""
        self.flush()
        os.close(self._descriptor)


class _Line(msgspec.Struct):
    event: str
    task: str = ""
    token: int = 0
    step: int = 0


def lines_from(journal: Path, offset_bytes: int) -> Iterable[bytes]:
    """Yield the journal's lines after `offset_bytes`; all of them when it is shorter, since it is another
    file then.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        if journal.stat().st_size >= offset_bytes:
            file.seek(offset_bytes)
        yield from file


def rows_without_event(recent: Iterable[RowWithEvent], lines: Iterable[bytes]) -> list[RowWithEvent]:
    """Return the rows of `recent` that have no event in `lines`. A torn line counts as no event."""
    decoder = msgspec.json.Decoder(_Line)
    found = set()
    for line in lines:
        try:
            read = decoder.decode(line)
        except DECODE_ERRORS:
            continue
        found.add((read.event, read.task, read.token, read.step))
    return [row for row in recent if _key(row) not in found]


def without_journaled(recovered: Recovered, journal: Path) -> Recovered:
    """Return `recovered` with its `recent` reduced to the rows that the journal lacks."""
    lines = lines_from(journal, recovered.journal_bytes)
    return msgspec.structs.replace(recovered, recent=rows_without_event(recovered.recent, lines))


def _key(row: RowWithEvent) -> tuple[str, str, int, int]:
    if isinstance(row, TaskRow):
        return ("submitted", row.task_id, 0, 0)
    if isinstance(row, ResultRow):
        return ("task_done", row.task_id, row.token, 0)
    return ("checkpoint_committed", row.task_id, row.token, row.checkpoint.step)
