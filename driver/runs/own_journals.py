"""Journals that the driver writes beside its own: of loads, and of observations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driver.histories.driver_journal import DriverJournal
from driver.histories.journals import JOURNALS
from wire.events import ProcessStopping


@contextmanager
def own_journal_of(folder: Path, process: str) -> Iterator[DriverJournal]:
    """Yield an open journal in a run's folder; its last line says that it is whole. Raises LabError."""
    journal = DriverJournal(folder / JOURNALS, process)
    try:
        yield journal
        journal.write(ProcessStopping, reason="the run is over")
    finally:
        journal.close()
