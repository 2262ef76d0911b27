"""A real coordinator and many real workers, each behind a relay of its own that stalls its link again and
again: when did either side notice?
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field

from benchmarks.affinity import FIRST, SECOND, children_on
from tests.integration.processes import CoordinatorProcess, Relay
from tests.worker.process import WorkerProcess

LOOK_S = 0.25
CONNECT_S = 60.0
MS = 1_000_000


@dataclass(frozen=True)
class Group:
    """Workers that are stalled `rounds` times each, after they were connected for `stay_s` and a random part
    of `spread_s`.
    """

    workers: int
    rounds: int
    stay_s: float
    spread_s: float
    adaptive: bool = False


@dataclass(frozen=True)
class Stall:
    """One silence, and after how long each side called the link dead."""

    adaptive: bool
    round: int
    worker_ms: float
    coordinator_ms: float


@dataclass
class _Silence:
    began_ns: int
    ended_ns: int = 0


@dataclass
class _Link:
    """One worker, its relay, and the silences of its link."""

    group: Group
    worker: WorkerProcess
    relay: Relay
    silences: list[_Silence] = field(default_factory=list)

    async def live(self, chance: random.Random, silent_s: float) -> None:
        """Connect, stay, fall silent, heal; again."""
        for number in range(self.group.rounds):
            await self._connected(number + 1)
            await asyncio.sleep(self.group.stay_s + chance.uniform(0, self.group.spread_s))
            self.relay.stall()
            silence = _Silence(time.monotonic_ns())
            await asyncio.sleep(silent_s)
            silence.ended_ns = time.monotonic_ns()
            self.silences.append(silence)
            # What was sent before and meanwhile belongs to connections that both sides have given up.
            self.relay.cut()
            self.relay.heal()

    async def _connected(self, times: int) -> None:
        end_s = time.monotonic() + CONNECT_S
        while len(self.worker.journal("connected")) < times:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{self.worker.name} does not connect; its log: {self.worker.log[-500:]}")
            await asyncio.sleep(LOOK_S)


async def stalls(groups: list[Group], limit_ms: int, late: float, **settings: object) -> list[Stall]:
    """All stalls of all groups; a link stays silent for `late` times `limit_ms`. Raises RuntimeError for one
    that a side did not notice while it lasted.
    """
    chance = random.Random(1)
    async with contextlib.AsyncExitStack() as stack:
        with children_on(FIRST):
            coordinator = await stack.enter_async_context(CoordinatorProcess(**settings))
        links: list[_Link] = []
        for group in groups:
            for _ in range(group.workers):
                relay = await stack.enter_async_context(Relay(coordinator.port))
                worker = WorkerProcess(relay.port, index=len(links) + 1, adaptive_heartbeat=group.adaptive)
                with children_on(SECOND):
                    await stack.enter_async_context(worker)
                links.append(_Link(group, worker, relay))
        await asyncio.gather(*(link.live(chance, late * limit_ms / 1000) for link in links))
        lost_ns: dict[str, list[int]] = {link.worker.name: [] for link in links}
        for event in coordinator.journal("worker_lost"):
            lost_ns[event["worker"]].append(event["at_ns"])
        return [stall for link in links for stall in _noticed(link, lost_ns[link.worker.name])]


def _noticed(link: _Link, coordinator_lost_ns: list[int]) -> list[Stall]:
    worker_lost_ns = [event["at_ns"] for event in link.worker.journal("lost")]
    return [
        Stall(
            link.group.adaptive,
            number,
            _after_ms(link.worker.name, worker_lost_ns, silence),
            _after_ms(f"the coordinator ({link.worker.name})", coordinator_lost_ns, silence),
        )
        for number, silence in enumerate(link.silences)
    ]


def _after_ms(observer: str, lost_ns: list[int], silence: _Silence) -> float:
    within = [at_ns for at_ns in lost_ns if silence.began_ns <= at_ns < silence.ended_ns]
    if len(within) != 1:
        lasted_s = (silence.ended_ns - silence.began_ns) / 1e9
        raise RuntimeError(f"{observer} noticed a silence of {lasted_s:.1f} s {len(within)} times, not once")
    return (within[0] - silence.began_ns) / MS
