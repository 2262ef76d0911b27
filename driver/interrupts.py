"""Signals (Ctrl-C, SIGTERM, SIGHUP): they cancel a command's work, but not its cleanup."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from driver.errors import InterruptedCommandError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

T = TypeVar("T")


async def interruptible(work: Coroutine[object, object, T], on_signal: Callable[[int], None]) -> T:
    """Await `work`; the first signal cancels it. Raises InterruptedCommandError after a signal.

    `on_signal` gets the count of each signal, from 1. Later signals change nothing, so that the caller's
    cleanup (heal, take down) is not cancelled.
    """
    task = asyncio.ensure_future(work)
    count = 0

    def stop() -> None:
        nonlocal count
        count += 1
        if count == 1:
            task.cancel()
        on_signal(count)

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if count:
            raise InterruptedCommandError("Stopped.") from None
        raise


async def uninterrupted(work: Coroutine[object, object, T], on_signal: Callable[[], None]) -> T:
    """Await `work`; signals only call `on_signal`: for work that must not be left half done."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return await work


async def to_completion(work: Coroutine[object, object, T]) -> T:
    """Await `work` to its end, also where the caller is cancelled; then raise the cancellation."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
