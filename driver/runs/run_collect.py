"""Gathers what a run left: how each container stood, what it printed, and the journals as they are then."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from pathlib import Path

from driver.engines.engine import Engine
from driver.errors import EngineError
from driver.histories.events import FinalContainerState, JournalNoted, LabTrouble
from driver.histories.history import DRIVER
from driver.histories.journal_folder import find_journals, open_journal
from driver.histories.journals import JOURNALS
from driver.results.run_folder import LOGS
from wire.events import Journal
from wire.journal_chain import last_seal

STOP_GRACE_S = 10.0
_log = logging.getLogger("stormlab.collect")


async def collect(engine: Engine, folder: Path, journal: Journal) -> None:
    """Note how every container stands, end all processes in order, then save logs and journals."""
    await asyncio.to_thread(_note, engine, journal)
    # A journal is whole only when its process could write the last line.
    await asyncio.to_thread(engine.stop_all, STOP_GRACE_S)
    await asyncio.to_thread(save_logs, engine, folder / LOGS)
    if not engine.is_local:
        for detail in await asyncio.to_thread(engine.fetch_journals, folder / JOURNALS):
            journal(LabTrouble, what="foreign_file", detail=f"in a journal's folder: {detail}")
    await asyncio.to_thread(_note_journals, folder, journal)


def _note(engine: Engine, journal: Journal) -> None:
    for one in engine.containers():
        standing = engine.inspect(one.name)
        journal(
            FinalContainerState,
            container=one.name,
            status=standing.status,
            exit_code=standing.exit_code,
            out_of_memory=standing.out_of_memory,
        )


def _note_journals(folder: Path, journal: Journal) -> None:
    """Note how long each process's journal is, and its last hash: what is changed from now on shows."""
    for name, path in find_journals(folder / JOURNALS).journals.items():
        if name == DRIVER:
            continue
        try:
            with open_journal(path) as descriptor:
                size_bytes = os.fstat(descriptor).st_size
                lines, head, _ = last_seal(size_bytes, partial(os.pread, descriptor))
        except OSError as error:
            # What cannot be read is left out, and named by whoever judges the run.
            _log.debug("%s: %s", path, error)
            continue
        journal(JournalNoted, journal=name, lines=lines, head=head.decode(), size_bytes=size_bytes)


def save_logs(engine: Engine, folder: Path) -> None:
    """What each container printed; a log that cannot be had or kept is left out."""
    for one in engine.containers():
        try:
            (folder / f"{one.name}.log").write_text(engine.log(one.name))
        except (EngineError, OSError) as error:
            _log.warning("no log of %s: %s", one.name, error)
