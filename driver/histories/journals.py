"""Reads the journals of a run folder from the disk."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from driver.histories.history import Damage, History, JournalRead
from driver.histories.holes import holes, strangers
from driver.histories.journal_folder import NotAJournalError, find, read_bytes
from driver.histories.writers import reader_of
from wire.journal_chain import read_chain

JOURNALS = "journals"


def read_history(
    run_folder: Path, expected: Sequence[str] = (), workers: Sequence[str] = (), *, sealed: bool = False
) -> History:
    """All journals of a run. `expected` names the processes that must have one; `sealed`: its record says
    that they were written with seals.

    Never raises for what files hold: what is torn, damaged, unknown, missing, refused or foreign stands in
    `History.damage`.
    """
    found = find(run_folder / JOURNALS)
    with without_collection():
        journals = {name: _read(name, path) for name, path in found.journals.items()}
    named = list(workers) or sorted(
        (name for name in journals if name.startswith("worker-")), key=worker_order
    )
    sealed = sealed or any(journal.chain and journal.chain.is_sealed for journal in journals.values())
    wrong = holes(journals) if sealed else []
    wrong += [Damage(name, "foreign", 0, f"its folder holds {what}") for name, what in found.foreign]
    outside = strangers(journals)
    for name in outside:
        wrong += [replace(one, what="foreign") for one in journals[name].damage if one.what == "missing"]
    of_the_run = {name: journal for name, journal in journals.items() if name not in outside}
    return History(of_the_run, expected, named, sealed, wrong)


def worker_order(name: str) -> tuple[int, str]:
    """Sorts worker-2 before worker-10."""
    number = name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, name)


def _read(name: str, path: Path) -> JournalRead:
    try:
        data = read_bytes(path)
    except NotAJournalError as error:
        because = f"{path.name} is {error}; it was left out"
    except OSError as error:
        because = f"{path.name}: {error.strerror}"
    else:
        return replace(reader_of(name).read(name, data), chain=read_chain(data))
    return JournalRead(name, (), (), (Damage(name, "missing", 0, because),))


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
