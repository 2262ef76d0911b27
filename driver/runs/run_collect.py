"""Gathers what a run left: how each container stood, what it printed, and the journals."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from driver.engines.engine import Engine
from driver.errors import EngineError
from driver.histories.events import ContainerSeen
from driver.runs.run_folder import JOURNALS, LOGS
from wire.events import Journal

STOP_GRACE_S = 10.0
_log = logging.getLogger("stormlab.collect")


async def collect(engine: Engine, folder: Path, journal: Journal) -> None:
    """Note how every container stands, end all processes in order, then save logs and journals."""
    await asyncio.to_thread(_note, engine, journal)
    # A journal is whole only when its process could write the last line.
    await asyncio.to_thread(engine.stop_all, STOP_GRACE_S)
    await asyncio.to_thread(_save_logs, engine, folder / LOGS)
    if not engine.is_local:
        await asyncio.to_thread(engine.fetch_journals, folder / JOURNALS)


def _note(engine: Engine, journal: Journal) -> None:
    for one in engine.containers():
        standing = engine.look(one.name)
        journal(
            ContainerSeen,
            container=one.name,
            status=standing.status,
            exit_code=standing.exit_code,
            out_of_memory=standing.out_of_memory,
        )


def _save_logs(engine: Engine, folder: Path) -> None:
    for one in engine.containers():
        try:
            (folder / f"{one.name}.log").write_text(engine.log(one.name))
        except EngineError as error:
            _log.warning("no log of %s: %s", one.name, error)
