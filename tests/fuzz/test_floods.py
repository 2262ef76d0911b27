"""One peer that floods is closed with a reason, and the honest worker beside it loses nothing."""

from __future__ import annotations

import asyncio

from tests.fuzz.floods import FLOODS, flood_a_session, flood_the_echo, header_flood, large_body
from tests.fuzz.live import SETTINGS, memory
from tests.fuzz.raw_client import RawClient
from tests.integration.processes import CoordinatorProcess
from tests.waiting import eventually
from tests.worker.process import WorkerProcess
from tests.worker.small_coordinator import KEY

AT_ONCE = 8
GROWTH_MAX_BYTES = 48 << 20
BODIES_GROWTH_MAX_BYTES = 160 << 20
"""The budget of 64 MiB, and some copies of one body while it is looked at."""


async def test_large_bodies_at_once_cost_no_more_than_their_budget() -> None:
    async with CoordinatorProcess(**SETTINGS) as coordinator, WorkerProcess(coordinator.port) as good:
        await eventually(lambda: good.journal("connected"), "the good worker")
        before = memory(coordinator)["VmRSS"]
        for size_bytes in (60 << 20, 15 << 20):
            async with asyncio.TaskGroup() as group:
                for _ in range(12):
                    group.create_task(large_body(coordinator.control_port, size_bytes))
        await coordinator.submit("noop", count=20)
        await coordinator.done(20)
        grown = memory(coordinator)["VmHWM"] - before
        assert grown <= BODIES_GROWTH_MAX_BYTES, f"{grown >> 20} MiB"
        assert good.journal("lost") == [], "the good worker was harmed"


async def test_floods_of_every_shape_end_their_connections_and_harm_no_worker() -> None:
    async with CoordinatorProcess(**SETTINGS) as coordinator, WorkerProcess(coordinator.port) as good:
        await eventually(lambda: good.journal("connected"), "the good worker")
        before = memory(coordinator)["VmRSS"]
        enemies = [RawClient(f"enemy-{number}", coordinator.port, KEY) for number in range(AT_ONCE)]
        for name in FLOODS:
            async with asyncio.TaskGroup() as group:
                for enemy in enemies:
                    group.create_task(flood_a_session(enemy, name))
                    group.create_task(flood_the_echo(coordinator.port, name))
                group.create_task(header_flood(coordinator.port))
        await coordinator.submit("noop", count=20)
        await coordinator.done(20)
        counters = (await coordinator.state()).counters
        floods = AT_ONCE * len(FLOODS)
        assert counters["frames_refused_flood"] == floods
        assert counters["connections_dropped_flood"] == floods
        assert counters["connections_dropped_headers"] == len(FLOODS)
        assert good.journal("lost", "frame_refused") == [], "the good worker was harmed"
        assert memory(coordinator)["VmHWM"] - before <= GROWTH_MAX_BYTES
        assert "Traceback" not in coordinator.log
