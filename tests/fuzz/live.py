"""Hostile clients against a coordinator process, while a good worker does its work beside them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.frames import HostileWorker, anothers_session, bad_frame, broken_framing, half_a_frame
from tests.fuzz.upgrades import bad_request, replayed_hello, requests
from tests.integration.processes import CoordinatorProcess, check_acknowledged, check_books
from tests.waiting import eventually
from tests.worker.process import WorkerProcess
from tests.worker.small_coordinator import KEY

CROWD = 12
WARM_UP = 200
GROWTH_MAX_BYTES = 48 << 20
PEAK_GROWTH_MAX_BYTES = 128 << 20
"""Twelve frames of 1 MiB, each inflated to 4 MiB at most, held twice while they are looked at."""
FRAME_ATTACKS = (bad_frame, broken_framing, anothers_session, half_a_frame)
FRAME_SHARES = (200, 10, 10, 1)
SETTINGS = {"heartbeat_interval_ms": 1_000, "heartbeat_timeout_ms": 5_000, "admission_per_s": 1e6}


class Crowd:
    """`faults` counts the bad frames that were sent, by what they are; `inputs` counts all attacks."""

    def __init__(self, seed: int, coordinator: CoordinatorProcess, session: str) -> None:
        self.faults: Counter[str] = Counter()
        self.inputs = 0
        self._coordinator = coordinator
        self._enemies = [HostileWorker(f"enemy-{number}", coordinator.port, KEY) for number in range(CROWD)]
        self._chance = random.Random(f"crowd {seed}")
        self._requests = requests(KEY)
        for enemy in self._enemies:
            enemy.wanted = session

    async def attack(self, inputs: int, until_s: float) -> None:
        """Attack up to a number of inputs or an instant. Raises AssertionError at a wrong answer."""
        limit = self.inputs + inputs
        async with asyncio.TaskGroup() as group:
            for enemy in self._enemies:
                group.create_task(self._one(enemy, limit, until_s))

    async def _one(self, enemy: HostileWorker, limit: int, until_s: float) -> None:
        chance, port = self._chance, self._coordinator.port
        while self.inputs < limit and time.monotonic() < until_s:
            self.inputs += 1
            if chance.random() < 0.6:
                (act,) = chance.choices(FRAME_ATTACKS, FRAME_SHARES)
                fault = await act(enemy, chance)
                if fault:
                    self.faults[fault] += 1
            elif chance.random() < 0.1:
                await replayed_hello(port, KEY, chance)
            else:
                status, make = chance.choice(list(self._requests.values()))
                await bad_request(port, status, make(chance))


async def run_live(seed: int, inputs: int, until_s: float = float("inf")) -> tuple[int, Counter[str], str]:
    """Attack a number of times, or until `time.monotonic()` is `until_s`. Return the number of attacks, their
    faults, and a sentence on the memory. Raises AssertionError at a wrong answer or count.
    """
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**SETTINGS))
        good = await stack.enter_async_context(WorkerProcess(coordinator.port))
        await eventually(lambda: good.journal("connected"), "the good worker")
        crowd = Crowd(seed, coordinator, good.journal("connected")[0]["session"])
        stop = asyncio.Event()
        feeding = asyncio.ensure_future(feed(coordinator, stop))
        await crowd.attack(min(WARM_UP, inputs), until_s)
        before = memory(coordinator)
        await crowd.attack(inputs - crowd.inputs, until_s)
        stop.set()
        await feeding
        after = memory(coordinator)
        submitted = (await coordinator.state()).counts.submitted
        assert (await coordinator.done(submitted)).counts.failed == 0
        check_books(coordinator, submitted)
        check_acknowledged(coordinator, [good])
        assert good.journal("lost", "frame_refused") == [], "the good worker was harmed"
        await _check_counted(coordinator, crowd)
    grown, peak = after["VmRSS"] - before["VmRSS"], after["VmHWM"] - before["VmRSS"]
    growth = f"memory grew by {grown >> 20} MiB, at its peak by {peak >> 20} MiB; {submitted} good tasks done"
    assert grown <= GROWTH_MAX_BYTES, growth
    assert peak <= PEAK_GROWTH_MAX_BYTES, growth
    return crowd.inputs, crowd.faults, growth


async def feed(coordinator: CoordinatorProcess, stop: asyncio.Event) -> None:
    """Good tasks until `stop`. A submission is never cut off: it would be unknown whether it counts."""
    for round_ in range(100_000):
        if stop.is_set():
            return
        await coordinator.submit("sleep", {"sleep_ms": 10}, count=5, prefix=f"good-{round_}")
        await asyncio.sleep(0.2)


async def _check_counted(coordinator: CoordinatorProcess, crowd: Crowd) -> None:
    """Every bad frame was counted by its kind, and has a line or is in the sum of those that have none."""
    counters = (await coordinator.state()).counters
    counted = {fault: counters.get(f"frames_refused_{fault}", 0) for fault in crowd.faults}
    assert counted == dict(crowd.faults), f"counted {counted}, sent {dict(crowd.faults)}"
    logged = Counter(event["fault"] for event in coordinator.journal("frame_refused"))
    for omitted in coordinator.journal("refusals_omitted"):
        logged[omitted["cause"]] += omitted["count"] if omitted["kind"] == "frame_refused" else 0
    logged = +logged
    assert logged == crowd.faults, f"logged {dict(logged)}, sent {dict(crowd.faults)}"
    for reason in ("damaged", "bad_key", "version", "clock", "replayed"):
        assert counters.get(f"handshakes_refused_{reason}", 0) > 0 or crowd.inputs < 500, reason
    assert "Traceback" not in coordinator.log


def memory(coordinator: CoordinatorProcess) -> dict[str, int]:
    """Resident bytes of the process: now (VmRSS), and at most so far (VmHWM)."""
    assert coordinator.process is not None
    assert coordinator.process.returncode is None, coordinator.log
    lines = Path(f"/proc/{coordinator.process.pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}
