"""The byte counters of both sides are what a relay between them counts: upgrades, frame headers and all."""

from __future__ import annotations

import signal
from typing import Any

from tests.integration.processes import CoordinatorProcess
from tests.integration.relay import Relay
from tests.waiting import eventually
from tests.worker.process import WorkerProcess


def _moved(line: dict[str, Any]) -> tuple[int, int]:
    return line["wire_bytes_sent"], line["wire_bytes_received"]


async def test_both_sides_count_the_bytes_that_a_relay_between_them_counts() -> None:
    async with CoordinatorProcess() as coordinator, Relay(coordinator.port) as relay:
        async with WorkerProcess(relay.port) as worker:
            await eventually(lambda: worker.journal("connected"), "the worker")
            await coordinator.submit("noop", {"payload": "x" * 3_000}, count=50)
            await coordinator.done(50)
            worker.signal(signal.SIGTERM)
            assert await worker.ended() == 0
            theirs = worker.journal("traffic")[-1]
        coordinator.signal(signal.SIGTERM)
        assert await coordinator.ended() == 0
        ours = coordinator.journal("traffic")[-1]
        assert relay.up_bytes > 2_000
        assert _moved(theirs) == (relay.up_bytes, relay.down_bytes)
        assert _moved(ours) == (relay.down_bytes, relay.up_bytes)


async def test_refused_attempts_are_on_the_wire_too() -> None:
    async with (
        CoordinatorProcess() as coordinator,
        Relay(coordinator.port) as relay,
        WorkerProcess(relay.port, key=bytes(32)) as stranger,
    ):
        assert await stranger.ended() == 1
        assert relay.down_bytes > 100
        assert _moved(stranger.journal("traffic")[-1]) == (relay.up_bytes, relay.down_bytes)
