"""Samples memory and processor time of each container, through the engine."""

from __future__ import annotations

import asyncio
import logging

from driver.engines.engine import ResourceControl
from driver.errors import EngineError, EngineGoneError
from driver.histories.events import ResourceSample
from wire.events import Journal

EVERY_S = 2.0
MAX_UNANSWERED = 3
_log = logging.getLogger("stormlab.sampler")


async def sample_resources(engine: ResourceControl, journal: Journal, every_s: float = EVERY_S) -> None:
    """Write samples every `every_s` seconds until cancelled; one that fails is left out.

    Raises EngineGoneError after MAX_UNANSWERED samples in a row for which no engine answered.
    """
    unanswered = 0
    while True:
        try:
            for usage in await asyncio.to_thread(engine.usage):
                journal(
                    ResourceSample,
                    container=usage.container,
                    memory_bytes=usage.memory_bytes,
                    cpu_s=usage.cpu_s,
                )
            unanswered = 0
        except EngineGoneError:
            unanswered += 1
            if unanswered == MAX_UNANSWERED:
                raise
        except EngineError as error:
            _log.debug("no sample: %s", error)
        await asyncio.sleep(every_s)
