"""Carries out a plan's faults at their times, and writes down what really began and ended when."""

from __future__ import annotations

import asyncio
import logging
import time

import msgspec

from chaos.fault import Aspect, Fault, Layer
from chaos.hands import Hands, HandsError, Strike, Times
from driver.events import FaultBegun, FaultEnded, FaultFailed, Trouble
from driver.guardian import LEASE_MS
from driver.journal import JournalFile
from driver.plan import PlannedFault
from driver.timeline import Step, Timeline, What

# Toxiproxy arms a fault on every link ahead of its time, so that all begin at once.
LEAD_S = 0.4
END_TRIES = 3
NOTICED_AFTER = 1.5
"""A silence is noticed after the heartbeat's timeout and at most half of it again."""

_log = logging.getLogger("stormlab.faults")


class FaultRunner:
    """The faults of one run. `heartbeat_timeout_s` tells which silences must cost a worker its connection."""

    def __init__(
        self, hands: Hands, journal: JournalFile, faults: tuple[PlannedFault, ...], heartbeat_timeout_s: float
    ) -> None:
        self._hands = hands
        self._journal = journal
        self._timeline = Timeline(faults)
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._begun: dict[str, asyncio.Task[bool]] = {}
        self.on: dict[str, PlannedFault] = {}

    async def run(self, zero_ns: int) -> None:
        """Begin and end every fault at its time after `zero_ns`; return when all have ended."""
        async with asyncio.TaskGroup() as group:
            while (next_s := self._timeline.next_at_s) is not None:
                await _until(zero_ns + round((next_s - LEAD_S) * 1e9))
                for step in self._timeline.due((time.monotonic_ns() - zero_ns) / 1e9 + LEAD_S):
                    at_ns = zero_ns + round(step.at_s * 1e9)
                    task = group.create_task(self._take(step, at_ns))
                    if step.what is What.begin:
                        self._begun[step.fault.id] = task

    async def _take(self, step: Step, at_ns: int) -> bool:
        if step.what is What.begin:
            return await self._begin(step.fault, at_ns)
        # A fault that could not begin has no end.
        if await self._begun[step.fault.id]:
            await _until(at_ns)
            return await self._end(step.fault, at_ns)
        return False

    async def _begin(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.made()
        strike = self._strike(planned, at_ns)
        if fault.layer is Layer.container:
            await _until(at_ns)
        self.on[planned.id] = planned
        try:
            times = await fault.begin(self._hands, strike)
        except HandsError as error:
            # Some of its targets may be hit: it stays in `on`, and healing looks at everything anyway.
            self._journal.write(
                FaultFailed,
                fault=planned.id,
                kind=planned.fault,
                targets=list(planned.targets),
                detail=str(error),
            )
            return False
        self._journal.write_at(
            max(times.values(), default=at_ns),
            FaultBegun,
            fault=planned.id,
            kind=planned.fault,
            targets=list(planned.targets),
            params=msgspec.Raw(msgspec.json.encode(planned.params)),
            planned_ns=at_ns,
            spread_ms=_spread_ms(times),
            cuts=cuts(fault, planned.for_s, self._heartbeat_timeout_s),
        )
        if planned.for_s is None:
            await self._end(planned, at_ns)
        return True

    async def _end(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.made()
        detail = ""
        for _ in range(END_TRIES):
            try:
                times = await fault.end(self._hands, self._strike(planned, at_ns))
            except HandsError as error:
                detail = str(error)
                _log.debug("%s did not end: %s", planned.id, detail)
                continue
            del self.on[planned.id]
            self._write_end(planned, at_ns, times, "")
            return True
        self._write_end(planned, at_ns, {}, detail)
        self._journal.write(Trouble, what="fault_not_ended", detail=f"{planned.id}: {detail}")
        return False

    def _write_end(self, planned: PlannedFault, at_ns: int, times: Times, detail: str) -> None:
        self._journal.write_at(
            max(times.values(), default=time.monotonic_ns()),
            FaultEnded,
            fault=planned.id,
            kind=planned.fault,
            targets=list(planned.targets),
            planned_ns=at_ns,
            spread_ms=_spread_ms(times),
            detail=detail,
        )

    def _strike(self, planned: PlannedFault, at_ns: int) -> Strike:
        return Strike(planned.id, planned.targets, planned.seed, LEASE_MS, at_ns)


def cuts(fault: Fault, for_s: float | None, heartbeat_timeout_s: float) -> bool:
    """Whether a worker under this fault must lose its connection: ended by it, or silent for too long."""
    taken = fault.alone()
    if Aspect.live in taken | fault.among() or {Aspect.process, Aspect.network} <= taken:
        return True
    silent = taken & {Aspect.to_worker, Aspect.to_coordinator, Aspect.process, Aspect.network}
    return bool(silent) and for_s is not None and for_s > NOTICED_AFTER * heartbeat_timeout_s


def _spread_ms(times: Times) -> float:
    return (max(times.values()) - min(times.values())) / 1e6 if times else 0.0


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
