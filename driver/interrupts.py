"""Ctrl-C, and being told to end: work is stopped at once, and the cleaning up after it is not."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from driver.errors import InterruptedCommandError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

T = TypeVar("T")


async def stoppable(work: Coroutine[object, object, T], on_stop: Callable[[int], None]) -> T:
    """Await `work`; a signal cancels it and raises InterruptedCommandError.

    `on_stop` hears every signal with its count, from 1. Later ones change nothing, so that what the caller
    does after this (heal, take down) comes to its end however often somebody presses Ctrl-C.
    """
    task = asyncio.ensure_future(work)
    count = 0

    def stop() -> None:
        nonlocal count
        count += 1
        if count == 1:
            task.cancel()
        on_stop(count)

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if count:
            raise InterruptedCommandError("Stopped.") from None
        raise


async def to_its_end(work: Coroutine[object, object, T], on_signal: Callable[[], None]) -> T:
    """Await `work` whatever is pressed meanwhile: for what must not be left half done."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return await work


async def to_completion(work: Coroutine[object, object, T]) -> T:
    """Await `work` to its end, also where the caller is cancelled meanwhile; then raise the cancellation."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
