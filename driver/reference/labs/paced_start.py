"""Starts workers at the pace at which they connect: all at once they keep each other from connecting."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection, Sequence

from chaos.targets import CLIENT
from driver.interrupts import to_completion
from driver.reference.coordinator_client import CoordinatorClient
from driver.reference.errors import CoordinatorError
from driver.reference.labs.lab import Lab
from driver.terminal import ProgressView, Terminal

PER_CORE = 4
"""Workers for each core of this machine that may be on their way: started, and not yet connected."""
ON_ITS_WAY_S = 15.0
"""A worker that does not connect within this time holds no other one back any longer."""
POLL_S = 0.05


class StartPace:
    """Which workers are due to be started. Pure: `now_s` is a monotonic time."""

    def __init__(self, names: Sequence[str], most: int) -> None:
        assert most > 0
        self._waiting = list(names)
        self._most = most
        self._started_s: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        """Whether every worker was due."""
        return not self._waiting

    def due(self, connected: Collection[str], now_s: float) -> list[str]:
        """Return the workers to start now, of which at most `most` are then on their way."""
        on_way = [
            name
            for name, at_s in self._started_s.items()
            if name not in connected and now_s - at_s < ON_ITS_WAY_S
        ]
        count = max(0, self._most - len(on_way))
        due, self._waiting = self._waiting[:count], self._waiting[count:]
        self._started_s.update(dict.fromkeys(due, now_s))
        assert len(on_way) + len(due) <= max(self._most, len(on_way))
        return due


async def start_created(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Start every container that was created or has ended; workers at the pace at which they connect.

    Returns when the engine started them all, which is before all are connected. Raises EngineError.
    """
    found = await asyncio.to_thread(lab.engine.containers)
    idle = [one for one in found if one.status in ("created", "exited")]
    others = [one.name for one in idle if one.service != CLIENT]
    pace = StartPace([one.name for one in idle if one.service == CLIENT], PER_CORE * (os.cpu_count() or 1))
    starts: list[asyncio.Task[None]] = []
    async with lab.coordinator() as coordinator:
        try:
            starts += [asyncio.create_task(_start(lab, name)) for name in others]
            while not pace.is_over:
                connected = await _connected(coordinator)
                due = pace.due(connected, time.monotonic())
                starts += [asyncio.create_task(_start(lab, name)) for name in due]
                for start in starts:
                    if start.done():
                        start.result()
                terminal.show(ProgressView("starting workers", clients=workers, connected=len(connected)))
                await asyncio.sleep(POLL_S)
            await asyncio.gather(*starts)
        finally:
            # Nothing is started any more once this has returned.
            await to_completion(_ended(starts))


async def _start(lab: Lab, name: str) -> None:
    await to_completion(asyncio.to_thread(lab.engine.start, name))


async def _ended(starts: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.gather(*starts, return_exceptions=True)


async def _connected(coordinator: CoordinatorClient) -> set[str]:
    """Return the connected workers; none while the coordinator does not answer."""
    try:
        state = await coordinator.state()
    except CoordinatorError:
        return set()
    return {worker.name for worker in state.workers if worker.state == "connected"}
