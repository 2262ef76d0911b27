"""Collects the remains of a run: final container states, journals, the receipts of its faults; and logs."""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from driver.engines.engine import ContainerReader
from driver.errors import EngineError
from driver.histories.events import FinalContainerState, JournalNoted, LabTrouble, Receipt
from driver.histories.history import DRIVER
from driver.histories.journal_folder import find_journals, open_journal
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.journals import JOURNALS, JournalFiles, read_history
from driver.judging.receipt_rebuild import rebuild_proofs
from driver.results.run_folder import read_record
from driver.runs.run_subject import RunSubject
from wire.events import Journal
from wire.journal_chain import last_seal

STOP_GRACE_S = 10.0
MOST_LOG_BYTES = 64 << 20
"""Of a container's log; the rest is left out."""
_log = logging.getLogger("stormlab.collect")


async def collect(subject: RunSubject, folder: Path, journal: Journal, goes_on: bool = False) -> None:
    """Record each container's final state, stop all in order, then save their journals.

    Nothing is saved of a system that could not be started. `goes_on`: nothing is stopped, for another run.
    """
    engine = subject.engine
    if engine is None:
        return
    await asyncio.to_thread(_record_states, engine, journal)
    if not goes_on:
        # A journal is complete only after its process has written the last line.
        await asyncio.to_thread(engine.stop_all, STOP_GRACE_S, processes_only=True)
    for detail in await asyncio.to_thread(subject.fetch_journals, folder / JOURNALS):
        journal(LabTrouble, what="foreign_file", detail=f"in a journal's folder: {detail}")
    await asyncio.to_thread(_record_journals, folder, journal, goes_on)


def _record_states(engine: ContainerReader, journal: Journal) -> None:
    for one in engine.containers():
        standing = engine.inspect(one.name)
        journal(
            FinalContainerState,
            container=one.name,
            status=standing.status,
            exit_code=standing.exit_code,
            out_of_memory=standing.out_of_memory,
        )


def _record_journals(folder: Path, journal: Journal, goes_on: bool) -> None:
    """Record each journal's length and last hash, so that a later change is detected."""
    for name, path in find_journals(folder / JOURNALS).journals.items():
        if name == DRIVER:
            continue
        try:
            with open_journal(path) as descriptor:
                size_bytes = os.fstat(descriptor).st_size
                lines, head, _ = last_seal(size_bytes, partial(os.pread, descriptor))
        except OSError as error:
            # A journal that cannot be read is left out here, and named when the run is judged.
            _log.debug("%s: %s", path, error)
            continue
        # The driver's own journals, of loads and observations, end with the run.
        runs_on = goes_on and name not in (LOAD, OBSERVER)
        noted = {"lines": lines, "head": head.decode(), "size_bytes": size_bytes, "goes_on": runs_on}
        journal(JournalNoted, journal=name, **noted)


def save_logs(engine: ContainerReader, folder: Path, since_s: float | None = None) -> None:
    """Save each container's log from a wall time on, up to MOST_LOG_BYTES.

    One that cannot be read or written ends where it is, with a warning.
    """
    for one in engine.containers():
        try:
            with (folder / f"{one.name}.log").open("wb") as file, closing(engine.whole_log(one.name)) as log:
                _write_bounded(file, log if since_s is None else lines_since(log, since_s))
        except (EngineError, OSError) as error:
            _log.warning("no whole log of %s: %s", one.name, error)


def lines_since(pieces: Iterable[bytes], since_s: float) -> Iterator[bytes]:
    """Yield the lines of a log, each of which begins with its time in UTC, from a wall time on."""
    begin = f"{datetime.fromtimestamp(since_s, UTC):%Y-%m-%dT%H:%M:%S}".encode()
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines if line >= begin)
    if rest >= begin:
        yield rest


def _write_bounded(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    room = MOST_LOG_BYTES
    for piece in pieces:
        file.write(decoder.decode(piece[:room]).encode())
        if len(piece) > room:
            file.write(f"\n… cut by the lab at {MOST_LOG_BYTES >> 20} MB\n".encode())
            return
        room -= len(piece)
    file.write(decoder.decode(b"", final=True).encode())


def write_receipts(folder: Path, journal: Journal, files: JournalFiles) -> None:
    """Write a receipt for each fault that began; an error is trouble, which makes the run inconclusive.

    The journals must be complete; `files` read them.
    """
    record, _ = read_record(folder)
    try:
        history = read_history(folder, record.processes, record.clients, files=files)
        proofs = rebuild_proofs(history, record.links)
    except Exception as error:
        journal(LabTrouble, what="no_receipts", detail=f"{type(error).__name__}: {error}")
        return
    for proof in proofs:
        journal(Receipt, **asdict(proof))
