"""Signals (Ctrl-C, SIGTERM, SIGHUP): they cancel a command's work, but not its cleanup."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from driver.errors import InterruptedCommandError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ON_CANCEL_EVERY_S = 0.2

T = TypeVar("T")
_log = logging.getLogger("stormlab.interrupts")


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


@contextmanager
def interrupts_raised(on_signal: Callable[[int], None]) -> Iterator[None]:
    """Run a block without an event loop; the first signal raises KeyboardInterrupt in it.

    `on_signal` gets the count of each signal, from 1. Later signals change nothing, so that the block's
    cleanup is not cancelled. Raises InterruptedCommandError when the block ends by a signal.
    """
    count = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        on_signal(count)
        if count == 1:
            signal.default_int_handler(number, frame)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedCommandError("Stopped.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_noted() -> Iterator[None]:
    """Run a block without an event loop to its end; the first signal during it is raised again after it.

    Signals interrupt the main thread alone: in another one this changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []
    before = {number: signal.signal(number, lambda number, _: noted.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if noted:
            signal.raise_signal(noted[0])


async def uninterrupted(work: Coroutine[object, object, T], on_signal: Callable[[], None]) -> T:
    """Await `work`; signals only call `on_signal`: for work that must not be left half done."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return await work


async def to_completion(
    work: Coroutine[object, object, T], on_cancel: Callable[[], None] = lambda: None
) -> T:
    """Await `work` to its end, also where the caller is cancelled, once or more; then raise the cancellation.

    From the cancellation until the end of `work`, `on_cancel` is called each ON_CANCEL_EVERY_S, to end it
    sooner: a part of the work that begins later is ended too. An error of cancelled work is logged alone.
    """
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            on_cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running], timeout=ON_CANCEL_EVERY_S)
        if not running.cancelled() and (error := running.exception()) is not None:
            _log.debug("after a cancellation: %s", error)
        raise
