"""Sleeps: a long task without a cost."""

from __future__ import annotations

import asyncio

from wire.task_params import SleepParams
from worker.task_kind import AsyncTask, TaskContext


async def run(params: SleepParams, context: TaskContext) -> dict[str, int]:
    """Sleep for `sleep_ms`."""
    await asyncio.sleep(params.sleep_ms / 1000)
    return {"slept_ms": params.sleep_ms}


KIND = AsyncTask(SleepParams, run)
