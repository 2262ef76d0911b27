"""What each container uses, written down every few seconds, from outside of what is under test."""

from __future__ import annotations

import asyncio
import logging

from driver.engines.engine import Engine
from driver.errors import EngineError, EngineGoneError
from driver.histories.events import ResourceSample
from wire.events import Journal

EVERY_S = 2.0
SILENCES = 3
_log = logging.getLogger("stormlab.sampler")


async def sample(engine: Engine, journal: Journal, every_s: float = EVERY_S) -> None:
    """Write samples until cancelled; one that fails is left out, since faults take containers away.

    Raises EngineGoneError when no engine answers any more: nothing that a run still needs can be done then.
    """
    silences = 0
    while True:
        try:
            for usage in await asyncio.to_thread(engine.usage):
                journal(
                    ResourceSample,
                    container=usage.container,
                    memory_bytes=usage.memory_bytes,
                    cpu_s=usage.cpu_s,
                )
            silences = 0
        except EngineGoneError:
            silences += 1
            if silences == SILENCES:
                raise
        except EngineError as error:
            _log.debug("no sample: %s", error)
        await asyncio.sleep(every_s)
