"""Begins operations when they are due, whatever became of the ones before; those in flight are bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator

Operate = Callable[[int, int], Coroutine[object, object, None]]
"""Does an operation: its number, from 1, and when it was due (CLOCK_MONOTONIC)."""


async def wait_until(at_ns: int) -> None:
    """Return at an instant (CLOCK_MONOTONIC), at once where it is over."""
    await asyncio.sleep(max(0, at_ns - time.monotonic_ns()) / 1e9)


async def open_loop(
    times_s: Iterator[float], zero_ns: int, most: int, operate: Operate, refuse: Callable[[int, int], None]
) -> None:
    """Begin an operation at each of the times after `zero_ns`, and return once all have ended.

    While `most` are in flight, `refuse` is called in place of `operate`. A cancelled call cancels those in
    flight and waits for them.
    """
    in_flight: set[asyncio.Task[None]] = set()
    try:
        for number, at_s in enumerate(times_s, 1):
            due_ns = zero_ns + round(at_s * 1e9)
            # Where many are due at once, those in flight have their turns too.
            await wait_until(due_ns)
            if len(in_flight) >= most:
                refuse(number, due_ns)
                continue
            task = asyncio.ensure_future(operate(number, due_ns))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
        await asyncio.gather(*in_flight)
    finally:
        left = list(in_flight)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
