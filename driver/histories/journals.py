"""Reads the journals of a run folder from the disk."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

from chaos.prober.events import ProberEvent
from driver.histories.history import Damage, History, JournalRead, LineReader
from driver.histories.holes import holes, strangers
from wire.journal_chain import read_chain

JOURNALS = "journals"


def read_history(
    run_folder: Path, expected: Sequence[str] = (), workers: Sequence[str] = (), *, sealed: bool = False
) -> History:
    """All journals of a run. `expected` names the processes that must have one; `sealed`: its record says
    that they were written with seals.

    Never raises for what files hold: what is torn, damaged, unknown or missing stands in `History.damage`.
    """
    reader = LineReader(get_args(ProberEvent))
    with without_collection():
        journals = {name: _read(reader, path) for name, path in journal_files(run_folder).items()}
    named = list(workers) or sorted(
        (name for name in journals if name.startswith("worker-")), key=worker_order
    )
    sealed = sealed or any(journal.chain and journal.chain.is_sealed for journal in journals.values())
    wrong = holes(journals) if sealed else []
    of_the_run = {name: journal for name, journal in journals.items() if name not in strangers(journals)}
    return History(of_the_run, expected, named, sealed, wrong)


def journal_files(run_folder: Path) -> dict[str, Path]:
    """The journals of a run, by the name of the process."""
    return {path.stem: path for path in sorted((run_folder / JOURNALS).glob("*.jsonl"))}


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
    return replace(reader.read(path.stem, data), chain=read_chain(data))


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
