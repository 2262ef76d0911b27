"""After a crash: which rows of the last transactions have no line in the journal yet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from coordinator.rows import Recovered, ResultRow, TaskRow, Told
from wire.errors import DECODE_ERRORS


class _Line(msgspec.Struct):
    event: str
    task: str = ""
    token: int = 0
    step: int = 0


def lines_from(journal: Path, offset_bytes: int) -> Iterable[bytes]:
    """The journal's lines behind `offset_bytes`; all of them when it is shorter, since it is another
    one then.
    """
    if not journal.exists():
        return
    with journal.open("rb") as file:
        if journal.stat().st_size >= offset_bytes:
            file.seek(offset_bytes)
        yield from file


def untold(recent: Iterable[Told], lines: Iterable[bytes]) -> list[Told]:
    """The rows of `recent` of which none of `lines` tells. A line that is torn tells nothing."""
    decoder = msgspec.json.Decoder(_Line)
    told = set()
    for line in lines:
        try:
            read = decoder.decode(line)
        except DECODE_ERRORS:
            continue
        told.add((read.event, read.task, read.token, read.step))
    return [row for row in recent if _key(row) not in told]


def without_told(recovered: Recovered, journal: Path) -> Recovered:
    """`recovered`, its `recent` reduced to what is still to be told."""
    lines = lines_from(journal, recovered.journal_bytes)
    return msgspec.structs.replace(recovered, recent=untold(recovered.recent, lines))


def _key(row: Told) -> tuple[str, str, int, int]:
    if isinstance(row, TaskRow):
        return ("submitted", row.task_id, 0, 0)
    if isinstance(row, ResultRow):
        return ("task_done", row.task_id, row.token, 0)
    return ("checkpoint_committed", row.task_id, row.token, row.checkpoint.step)
