"""Waits of tests: for a condition, within a time limit. Tests poll here alone (test_waits.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 30.0
POLL_S = 0.01
What = str | Callable[[], object]
"""What was expected: a text, or a function that builds it once the wait has failed."""


async def eventually(condition: Callable[[], T | None], what: What = "", within_s: float = LIMIT_S) -> T:
    """Return the first value of `condition` that is true. Raises AssertionError at the time limit."""

    async def ask() -> T | None:
        return condition()

    return await eventually_answers(ask, what, within_s)


async def eventually_answers(
    ask: Callable[[], Awaitable[T | None]], what: What = "", within_s: float = LIMIT_S
) -> T:
    """Return the first answer of `ask` that is true, as `eventually` does for what has to be awaited."""
    try:
        async with asyncio.timeout(within_s) as limit:
            while True:
                if found := await ask():
                    return found
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        if not limit.expired():
            raise
        raise _late(what, within_s) from None


def eventually_in_thread(
    condition: Callable[[], T | None], what: What = "", within_s: float = LIMIT_S, poll_s: float = POLL_S
) -> T:
    """Return the first value of `condition` that is true, as `eventually` does; blocks its thread."""
    deadline_s = time.monotonic() + within_s
    while not (found := condition()):
        _check_time(deadline_s, what, within_s)
        time.sleep(poll_s)
    return found


async def loop_turns(count: int = 20) -> None:
    """Let the event loop run `count` times: enough for tasks that wait for nothing outside of it."""
    for _ in range(count):
        await asyncio.sleep(0)


async def forever() -> None:
    """Work that ends only when it is cancelled."""
    await asyncio.Event().wait()


def _check_time(deadline_s: float, what: What, within_s: float) -> None:
    if time.monotonic() > deadline_s:
        raise _late(what, within_s)


def _late(what: What, within_s: float) -> AssertionError:
    expected = what if isinstance(what, str) else str(what())
    return AssertionError(f"expected within {within_s} s: {expected or 'a condition that became true'}")
