"""Reads the journals of a run folder."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from driver.histories.clock_alignment import aligned
from driver.histories.clocks import NO_SKEW, ONE_CLOCK, Skew, clocks_of
from driver.histories.history import DRIVER, Damage, History, JournalRead
from driver.histories.journal_folder import NotAJournalError, find_journals, read_bytes
from driver.histories.journal_integrity import integrity_damage, uncollected_journals
from driver.histories.journal_kinds import reader_of
from wire.journal_chain import read_chain

JOURNALS = "journals"


def read_history(
    run_folder: Path,
    expected: Sequence[str] = (),
    clients: Sequence[str] = (),
    *,
    sealed: bool = False,
    skew: Skew = NO_SKEW,
    files: JournalFiles | None = None,
) -> History:
    """Return the history of a run. `expected` are the processes that must have a journal; `sealed`: the run's
    record says that its journals have seals. Its instants are those of the driver's clock; of a run on many
    hosts, whose clocks have error bounds, as `skew` says. `files` read the journals.

    Raises nothing for the files' contents: what is torn, damaged, unknown, missing, refused or foreign is in
    `History.damage`.
    """
    found = find_journals(run_folder / JOURNALS)
    with gc_paused():
        journals = (files or JournalFiles()).read(found.journals)
    named = list(clients) or sorted(
        (name for name in journals if name.startswith("worker-")), key=client_order
    )
    sealed = sealed or any(journal.chain and journal.chain.is_sealed for journal in journals.values())
    wrong = integrity_damage(journals) if sealed else []
    wrong += [Damage(name, "foreign", 0, f"its folder holds {what}") for name, what in found.foreign]
    outside = uncollected_journals(journals)
    for name in outside:
        wrong += [replace(one, what="foreign") for one in journals[name].damage if one.what == "missing"]
    of_the_run = {name: journal for name, journal in journals.items() if name not in outside}
    clocks = clocks_of(of_the_run[DRIVER].events) if DRIVER in of_the_run else ONE_CLOCK
    with gc_paused():
        merged = aligned(of_the_run, clocks, skew)
    return History(merged, expected, named, sealed, wrong, clocks=clocks)


class JournalFiles:
    """Reads journals, each once; again where its file has changed since."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[tuple[int, ...], JournalRead]] = {}

    def read(self, paths: Mapping[str, Path]) -> dict[str, JournalRead]:
        """Return the journals of processes, by their paths. Raises nothing."""
        return {name: self._journal(name, path) for name, path in paths.items()}

    def _journal(self, name: str, path: Path) -> JournalRead:
        state = _state(path)
        kept = self._kept.get(path)
        if kept is None or not state or kept[0] != state:
            kept = self._kept[path] = (state, _read(name, path))
        return kept[1]


def _state(path: Path) -> tuple[int, ...]:
    """Return what differs once a file was written; () of one that cannot be read."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def client_order(name: str) -> tuple[int, str]:
    """Return a sort key that puts `worker-2` before `worker-10`."""
    number = name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, name)


def _read(name: str, path: Path) -> JournalRead:
    try:
        data = read_bytes(path)
    except NotAJournalError as error:
        reason = f"{path.name} is {error}; it was not read"
    except OSError as error:
        reason = f"{path.name}: {error.strerror}"
    else:
        return replace(reader_of(name).read(name, data), chain=read_chain(data))
    return JournalRead(name, (), (), (Damage(name, "missing", 0, reason),))


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause garbage collection, which would scan a million live objects again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
