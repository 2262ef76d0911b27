"""A million hostile inputs against one coordinator process that survives all of them, while good workers do
their work beside: `python -m tests.fuzz --live 1000000`.

An input is one hostile frame or one hostile upgrade. A bad frame costs its connection, so most connections
first send some signed and numbered frames with false claims. A frame is only reached when those before it in
the stream were accepted, so the fault of the last one proves that all were.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.contents import CONTENTS, NEVER_NUMBERED
from tests.fuzz.floods import FLOODS, flood_a_session, flood_the_echo
from tests.fuzz.frames import check_answer, drawn, made
from tests.fuzz.live import feed, memory
from tests.fuzz.raw_client import RawClient, websocket_frame
from tests.fuzz.upgrades import bad_request, replayed_hello, requests
from tests.integration.processes import CoordinatorProcess, check_acknowledged, check_books
from tests.waiting import eventually
from tests.worker.process import WorkerProcess
from tests.worker.small_coordinator import KEY

CROWD = 16
GOOD_WORKERS = 2
CONTENTS_MAX = 40
WARM_UP = 5_000
GROWTH_MAX_BYTES = 96 << 20
"""The nonces of two minutes' hellos (at most 200,000), sessions, and the books of the good tasks."""
PEAK_MAX_BYTES = 192 << 20
"""Also sixteen frames of 1 MiB, each inflated to 4 MiB at most, held twice while they are looked at."""
DISK_MAX_BYTES = 1_000
"""Of journal, store and log together, for each input: each refusal is a line in the log."""
SAMPLE_S = 1.0
PROGRESS_EVERY_S = 30.0
DONE_TASK = "early-0"
SETTINGS = {"heartbeat_interval_ms": 1_000, "heartbeat_timeout_ms": 5_000, "admission_per_s": 1e6}


@dataclass
class LiveFuzz:
    """What was sent, and what it did. `kinds` counts inputs by their names, `faults` the bad frames by what
    they are, `claims` the counters that the false claims must have raised; memory in bytes.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    before_bytes: int = 0
    after_bytes: int = 0
    highest_bytes: int = 0
    samples: int = 0
    disk_bytes: int = 0
    tasks: int = 0
    took_s: float = 0.0

    @property
    def inputs(self) -> int:
        """All of them."""
        return self.kinds.total()

    def text(self) -> str:
        """For people, and for the page."""
        lines = [
            f"{self.inputs:,} hostile inputs over sockets against one coordinator process in "
            f"{self.took_s / 60:.0f} minutes ({self.inputs / self.took_s:.0f} a second): no crash, and no "
            "answer but the one that each must get.\n",
            f"- {self.tasks:,} tasks of {GOOD_WORKERS} good workers beside it: each done once and at its "
            "first attempt; no good worker lost its connection.",
            f"- Memory, {self.samples:,} samples: {_mib(self.before_bytes)} after the first {WARM_UP:,} "
            f"inputs, {_mib(self.after_bytes)} at the end (bound: {_mib(GROWTH_MAX_BYTES)} more), at no time "
            f"more than {_mib(self.highest_bytes)} (bound: {_mib(PEAK_MAX_BYTES)} more).",
            f"- On disk: {self.disk_bytes / self.inputs:.0f} bytes more for each input, journal, store and "
            f"log together (bound: {DISK_MAX_BYTES:,}).",
            f"- Bad frames, each counted once under its name and logged in one line: {_listed(self.faults)}.",
            f"- False claims, each refused and counted: {_listed(self.claims)}.\n",
            "| input | how many |\n|---|---|",
            *(f"| {name} | {count:,} |" for name, count in sorted(self.kinds.items())),
        ]
        return "\n".join(lines) + "\n"


class Crowd:
    """Enemies that attack side by side, each on one connection after the other."""

    def __init__(self, seed: int, port: int, wanted: str, totals: LiveFuzz) -> None:
        self._port = port
        self._wanted = wanted
        self._totals = totals
        self._chance = random.Random(f"totals {seed}")
        self._requests = requests(KEY)
        self._enemies = [RawClient(f"enemy-{number}", port, KEY) for number in range(CROWD)]

    async def attack(self, limit: int) -> None:
        """Attack up to `limit` inputs in all. Raises AssertionError at a wrong answer."""
        async with asyncio.TaskGroup() as group:
            for enemy in self._enemies:
                group.create_task(self._one(enemy, limit))

    async def _one(self, enemy: RawClient, limit: int) -> None:
        chance = self._chance
        while self._totals.inputs < limit:
            (act,) = chance.choices(
                (
                    self._frames,
                    self._framing,
                    self._half,
                    self._anothers,
                    self._upgrade,
                    self._replayed,
                    self._flood,
                    self._echo_flood,
                ),
                (700, 20, 1, 20, 240, 20, 2, 2),
            )
            await act(enemy)

    async def _frames(self, enemy: RawClient) -> None:
        """Claims that are not so, and then one bad frame, which must be what ends the connection."""
        chance, totals = self._chance, self._totals
        welcome = await enemy.connect(resume=chance.random() < 0.5)
        assert welcome.outcome in ("fresh", "resumed", "reset"), welcome
        name = drawn(chance)
        # A framing error ends the connection before earlier frames in the same read are decoded.
        count = 0 if name == "too large" else chance.randrange(CONTENTS_MAX)
        claimed = chance.choices(list(CONTENTS), k=count)
        sent = []
        for claim in claimed:
            message = CONTENTS[claim][1](DONE_TASK, chance)
            sent.append(enemy.say(message, numbered=not isinstance(message, NEVER_NUMBERED)))
        bad = made(name, enemy.forger, chance)
        await enemy.send(b"".join([*sent, *map(websocket_frame, bad)]))
        fault = check_answer(name, *await enemy.closing())
        totals.kinds.update([*claimed, name])
        totals.claims.update(counter for counter in (CONTENTS[one][0] for one in claimed) if counter)
        totals.faults[fault] += 1

    async def _framing(self, enemy: RawClient) -> None:
        await enemy.connect(resume=True)
        await enemy.send(b"\xff\xff" + self._chance.randbytes(20))
        code, _ = await enemy.closing()
        assert code == 1002, code
        self._totals.kinds["no WebSocket frame"] += 1
        self._totals.faults["framing"] += 1

    async def _half(self, enemy: RawClient) -> None:
        """The head of a large frame, a few bytes of it, and then nothing until the coordinator has enough."""
        await enemy.connect(resume=True)
        await enemy.send(b"\x82\xfe\xff\x00" + self._chance.randbytes(self._chance.randrange(4_000)))
        await enemy.closing()
        self._totals.kinds["half a frame"] += 1

    async def _anothers(self, enemy: RawClient) -> None:
        welcome = await enemy.connect(resume=False, wanted=self._wanted)
        assert (welcome.outcome, welcome.session == self._wanted) == ("reset", False), welcome
        enemy.leave()
        self._totals.kinds["another's session"] += 1

    async def _flood(self, enemy: RawClient) -> None:
        name = self._chance.choice(list(FLOODS))
        await flood_a_session(enemy, name)
        self._totals.kinds[f"flood: {name}"] += 1
        self._totals.faults["flood"] += 1

    async def _echo_flood(self, enemy: RawClient) -> None:
        name = self._chance.choice(list(FLOODS))
        await flood_the_echo(self._port, name)
        self._totals.kinds[f"flood of the echo: {name}"] += 1

    async def _upgrade(self, enemy: RawClient) -> None:
        name = self._chance.choice(list(self._requests))
        status, make = self._requests[name]
        await bad_request(self._port, status, make(self._chance))
        self._totals.kinds[f"upgrade: {name}"] += 1

    async def _replayed(self, enemy: RawClient) -> None:
        await replayed_hello(self._port, KEY, self._chance)
        self._totals.kinds["upgrade: a hello again"] += 1


async def run_live_fuzz(seed: int, inputs: int) -> LiveFuzz:
    """Send a number of hostile inputs. Raises AssertionError at a wrong answer, count or bound."""
    totals = LiveFuzz()
    began_s = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        coordinator = await stack.enter_async_context(CoordinatorProcess(**SETTINGS))
        good = [
            await stack.enter_async_context(WorkerProcess(coordinator.port, index=index))
            for index in range(1, GOOD_WORKERS + 1)
        ]
        await eventually(lambda: all(worker.journal("connected") for worker in good), "the good workers")
        await coordinator.submit("noop", prefix="early")
        await coordinator.done(1)
        on_disk_bytes = _size_bytes(coordinator.folder)
        crowd = Crowd(seed, coordinator.port, good[0].journal("connected")[0]["session"], totals)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(feed(coordinator, stop))
            watching = group.create_task(_watch(coordinator, totals, inputs))
            await crowd.attack(min(WARM_UP, inputs))
            totals.before_bytes = memory(coordinator)["VmRSS"]
            await crowd.attack(inputs)
            stop.set()
            watching.cancel()
        totals.took_s = time.monotonic() - began_s
        totals.disk_bytes = _size_bytes(coordinator.folder) - on_disk_bytes
        await _check(coordinator, good, totals)
    return totals


async def _watch(coordinator: CoordinatorProcess, totals: LiveFuzz, inputs: int) -> None:
    """Sample the memory all the while, and say how far it is."""
    printed_s = began_s = time.monotonic()
    while True:
        now = memory(coordinator)
        totals.samples += 1
        totals.after_bytes, totals.highest_bytes = now["VmRSS"], now["VmHWM"]
        if totals.before_bytes:
            _check_memory(totals)
        if time.monotonic() - printed_s > PROGRESS_EVERY_S:
            printed_s = time.monotonic()
            rate = totals.inputs / (printed_s - began_s)
            line = (
                f"{totals.inputs:,} of {inputs:,} inputs, {rate:.0f} a second, {totals.after_bytes >> 20} MiB"
            )
            print(line, file=sys.stderr, flush=True)
        await asyncio.sleep(SAMPLE_S)


def _check_memory(totals: LiveFuzz) -> None:
    grown, peak = totals.after_bytes - totals.before_bytes, totals.highest_bytes - totals.before_bytes
    assert peak <= PEAK_MAX_BYTES, f"memory grew by {peak >> 20} MiB at its peak"
    # A frame that is being looked at is no growth: what stays is measured at the end.
    assert grown <= PEAK_MAX_BYTES, f"memory grew by {grown >> 20} MiB"


async def _check(coordinator: CoordinatorProcess, good: list[WorkerProcess], totals: LiveFuzz) -> None:
    """All good tasks done, once and at once; every bad frame and false claim counted; memory and disk
    bounded.
    """
    submitted = (await coordinator.state()).counts.submitted
    state = await coordinator.done(submitted)
    assert state.counts.failed == 0, state.counts
    totals.tasks = submitted
    totals.after_bytes = memory(coordinator)["VmRSS"]
    _check_memory(totals)
    grown = totals.after_bytes - totals.before_bytes
    assert grown <= GROWTH_MAX_BYTES, f"memory grew by {grown >> 20} MiB"
    counted = {name: state.counters.get(f"frames_refused_{name}", 0) for name in totals.faults}
    assert counted == dict(totals.faults), f"counted {counted}, sent {dict(totals.faults)}"
    claims = {name: state.counters.get(name, 0) for name in totals.claims}
    assert claims == dict(totals.claims), f"counted {claims}, claimed {dict(totals.claims)}"
    logged = Counter(event["fault"] for event in coordinator.journal("frame_refused"))
    for omitted in coordinator.journal("refusals_omitted"):
        logged[omitted["cause"]] += omitted["count"] if omitted["kind"] == "frame_refused" else 0
    logged = +logged
    assert logged == totals.faults, f"logged {dict(logged)}, sent {dict(totals.faults)}"
    check_books(coordinator, submitted)
    check_acknowledged(coordinator, good)
    again = [event for event in coordinator.journal("task_done") if event["attempts"] != 1]
    assert again == [], f"{len(again)} good tasks took more than one attempt: {again[:3]}"
    for worker in good:
        assert worker.journal("lost", "frame_refused") == [], f"{worker.name} was harmed"
    assert "Traceback" not in coordinator.log, coordinator.log
    assert totals.disk_bytes <= DISK_MAX_BYTES * totals.inputs, f"{totals.disk_bytes} bytes on disk"


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.0f} MiB"


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counted.most_common())
