"""What each container uses, written down every few seconds, from outside of what is under test."""

from __future__ import annotations

import asyncio
import logging

from driver.engine import Engine
from driver.errors import EngineError
from driver.events import Sample
from wire.events import Journal

EVERY_S = 2.0
_log = logging.getLogger("stormlab.sampler")


async def sample(engine: Engine, journal: Journal, every_s: float = EVERY_S) -> None:
    """Write samples until cancelled; one that fails is left out, since faults take containers away."""
    while True:
        try:
            for usage in await asyncio.to_thread(engine.usage):
                journal(Sample, container=usage.container, memory_bytes=usage.memory_bytes, cpu_s=usage.cpu_s)
        except EngineError as error:
            _log.debug("no sample: %s", error)
        await asyncio.sleep(every_s)
