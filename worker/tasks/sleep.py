"""Waits: a task that is long and costs nothing."""

from __future__ import annotations

import asyncio

from wire.kinds import Sleep
from worker.tasks.kind import Context, OnLoop


async def run(params: Sleep, context: Context) -> dict[str, int]:
    """Sleep for `sleep_ms`."""
    await asyncio.sleep(params.sleep_ms / 1000)
    return {"slept_ms": params.sleep_ms}


KIND = OnLoop(Sleep, run)
