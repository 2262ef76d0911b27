"""Follows the engine's stream of events in a thread, and resumes it where it ended."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from driver.engines.engine import ContainerReader, EngineEvent, EventStream
from driver.errors import EngineError
from driver.histories.events import EventsMissed
from wire.events import Journal

RESUME_AFTER_S = 1.0
MAX_WAITING = 10_000

_log = logging.getLogger("stormlab.containers")
Queue = asyncio.Queue[EngineEvent | None]


async def follow_events(engine: ContainerReader, journal: Journal) -> AsyncIterator[EngineEvent | None]:
    """Yield each event, until cancelled; None when a stream opens, and None again when it ends.

    A stream that ended is opened again after RESUME_AFTER_S, from the last event on, and the gap is
    journaled. At most MAX_WAITING events wait to be taken; older ones are dropped.
    """
    since_ns: int | None = None
    while True:
        began_ns = time.monotonic_ns()
        try:
            stream = await asyncio.to_thread(engine.events, since_ns)
        except EngineError as error:
            journal(EventsMissed, detail=error.sentence)
            await asyncio.sleep(RESUME_AFTER_S)
            continue
        known_ns = since_ns = began_ns if since_ns is None else since_ns
        yield None
        try:
            queue: Queue = asyncio.Queue(MAX_WAITING)
            threading.Thread(
                target=_read,
                args=(stream, asyncio.get_running_loop(), queue),
                name="engine-events",
                daemon=True,
            ).start()
            while (event := await queue.get()) is not None:
                # A resumed stream repeats the events of up to one second.
                if event.at_ns > known_ns:
                    since_ns = max(since_ns, event.at_ns)
                    yield event
        finally:
            stream.close()
        yield None
        journal(EventsMissed, detail="the engine broke its stream of events off")
        await asyncio.sleep(RESUME_AFTER_S)


def _read(stream: EventStream, loop: asyncio.AbstractEventLoop, queue: Queue) -> None:
    # The loop is closed when a run ends before its stream does.
    with suppress(RuntimeError):
        try:
            for event in stream:
                loop.call_soon_threadsafe(_put, queue, event)
        except EngineError as error:
            _log.debug("%s", error)
        loop.call_soon_threadsafe(_put, queue, None)


def _put(queue: Queue, event: EngineEvent | None) -> None:
    if queue.full():
        # The oldest event is dropped: samples record the states nevertheless.
        queue.get_nowait()
    queue.put_nowait(event)
