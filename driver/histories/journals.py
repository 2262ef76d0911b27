"""Reads the journals of a run folder from the disk."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from chaos.prober.events import ProberEvent
from driver.histories.history import Damage, History, JournalRead, LineReader

JOURNALS = "journals"


def read_history(run_folder: Path, expected: Sequence[str] = (), workers: Sequence[str] = ()) -> History:
    """All journals of a run. `expected` names the processes that must have one.

    Never raises for what files hold: what is torn, damaged, unknown or missing stands in `History.damage`.
    """
    reader = LineReader(get_args(ProberEvent))
    folder = run_folder / JOURNALS
    with without_collection():
        journals = {path.stem: _read(reader, path) for path in sorted(folder.glob("*.jsonl"))}
    named = list(workers) or sorted(
        (name for name in journals if name.startswith("worker-")), key=worker_order
    )
    return History(journals, expected, named)


def worker_order(name: str) -> tuple[int, str]:
    """Sorts worker-2 before worker-10."""
    number = name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, name)


def _read(reader: LineReader, path: Path) -> JournalRead:
    try:
        data = path.read_bytes()
    except OSError as error:
        return JournalRead(
            path.stem, (), (), (Damage(path.stem, "missing", 0, f"{path.name}: {error.strerror}"),)
        )
    return reader.read(path.stem, data)


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the collector from looking again and again at a million objects of which none is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
