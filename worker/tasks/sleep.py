"""Waits: a task that is long and costs nothing."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from worker.tasks.kind import Context, OnLoop


class SleepParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long."""

    sleep_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


async def run(params: SleepParams, context: Context) -> dict[str, int]:
    """Sleep for `sleep_ms`."""
    await asyncio.sleep(params.sleep_ms / 1000)
    return {"slept_ms": params.sleep_ms}


KIND = OnLoop(SleepParams, run)
