"""Carries out a plan's faults at their times, and writes down what really began and ended when."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from chaos.actuator import ActuatorError, FaultActuator, Injection, Times
from chaos.evidence import ContainerEffect
from chaos.fault import ContainerFault, Fault, Layer
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import FaultBegun, FaultEnded, FaultFailed, LabTrouble
from driver.judging.receipts import InjectedFault
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.guardian import LEASE_MS
from driver.scenarios.fault_timeline import FaultTimeline, Step, StepKind
from driver.scenarios.plan import PlannedFault
from wire.events import Event

# Toxiproxy arms a fault on every link ahead of its time, so that all begin at once.
LEAD_S = 0.4
END_TRIES = 3
# A container under a fault is looked at once more so long before the fault ends.
LOOK_BEFORE_END_S = 0.3

_log = logging.getLogger("stormlab.faults")


@dataclass
class Figures:
    """Toxiproxy's own view of one fault at its end: counters and how many live connections it met, by link,
    why it ended, and the links from which somebody else had taken it.
    """

    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    connections_hit: dict[str, int] = field(default_factory=dict)
    because: str = ""
    absent: list[str] = field(default_factory=list)


class RunHands(FaultActuator, Protocol):
    """FaultActuator that also know what Toxiproxy counted."""

    def figures(self, fault_id: str) -> Figures:
        """Of a link fault that has ended; nothing of any other."""


class FaultRunner:
    """The faults of one run.

    `notice_s` is how long a silence may last before it costs a worker its connection.
    """

    def __init__(
        self,
        hands: RunHands,
        monitor: ContainerMonitor,
        journal: DriverJournal,
        faults: tuple[PlannedFault, ...],
        notice_s: float,
    ) -> None:
        self._hands = hands
        self._monitor = monitor
        self._journal = journal
        self._timeline = FaultTimeline(faults)
        self._notice_s = notice_s
        self._begun: dict[str, asyncio.Task[bool]] = {}
        self._held_ns: dict[str, int] = {}
        self.on: dict[str, PlannedFault] = {}
        self.acts: dict[str, InjectedFault] = {}
        self.failed: dict[str, str] = {}

    def shown(self) -> list[str]:
        """The faults that are on, for people: `refuse on 20`."""
        return [f"{one.fault} on {len(one.targets)}" for one in self.on.values()]

    def may_end(self, name: str) -> bool:
        """Whether a fault that can end its process is on a container."""
        return any(
            name in planned.targets and ContainerEffect.ended in planned.build().changes
            for planned in self.on.values()
        )

    async def run(self, zero_ns: int) -> None:
        """Begin and end every fault at its time after `zero_ns`; return when all have ended."""
        async with asyncio.TaskGroup() as group:
            while (next_s := self._timeline.next_at_s) is not None:
                await _until(zero_ns + round((next_s - LEAD_S) * 1e9))
                for step in self._timeline.due((time.monotonic_ns() - zero_ns) / 1e9 + LEAD_S):
                    at_ns = zero_ns + round(step.at_s * 1e9)
                    task = group.create_task(self._take(step, at_ns))
                    if step.what is StepKind.begin:
                        self._begun[step.fault.id] = task

    async def end_all(self) -> bool:
        """End every fault that is on, now; whether all did."""
        ended = [await self._end(planned, time.monotonic_ns()) for planned in list(self.on.values())]
        return all(ended)

    async def _take(self, step: Step, at_ns: int) -> bool:
        if step.what is StepKind.begin:
            return await self._begin(step.fault, at_ns)
        # A fault that could not begin has no end.
        if not await self._begun[step.fault.id]:
            return False
        async with asyncio.TaskGroup() as looking:
            if step.fault.build().layer is Layer.container:
                await _until(at_ns - round(LOOK_BEFORE_END_S * 1e9))
                # Of a container that it is starting the engine says nothing until it is done: no end waits.
                looking.create_task(self._monitor.read(step.fault.targets))
            await _until(at_ns)
            # A target may take longer to begin than the fault lasts (a worker drains before it stops):
            # the end is due once it has begun.
            return await self._end(step.fault, max(at_ns, self._held_ns[step.fault.id]))

    async def _begin(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.build()
        if fault.layer is Layer.container:
            await _until(at_ns)
            self._monitor.concern(planned.targets)
        self.on[planned.id] = planned
        called_ns = time.monotonic_ns()
        try:
            times = await fault.begin(self._hands, _strike(planned, at_ns))
        except ActuatorError as error:
            # Some of its targets may be hit: healing looks at everything anyway.
            self.failed[planned.id] = str(error)
            self._write(FaultFailed, planned, detail=str(error))
            return False
        times = await self._acted(fault, times, called_ns)
        self.acts[planned.id] = InjectedFault(planned.id, fault, planned.targets, at_ns, called_ns, times)
        self._write_at(
            max(times.values(), default=at_ns), FaultBegun, planned,
            params=msgspec.Raw(msgspec.json.encode(planned.params)), planned_ns=at_ns,
            changes=sorted(fault.changes),
            spread_ms=_spread_ms(times), cuts=fault.disconnects(planned.for_s, self._notice_s),
            called_ns=called_ns, began_ns=dict(times), for_s=planned.for_s,
        )  # fmt: skip
        if fault.layer is Layer.container:
            await self._monitor.read(planned.targets)
        self._held_ns[planned.id] = time.monotonic_ns()
        if planned.for_s is None:
            await self._end(planned, self._held_ns[planned.id])
        return True

    async def _end(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.build()
        called_ns = time.monotonic_ns()
        detail = ""
        for _ in range(END_TRIES):
            try:
                times = await fault.end(self._hands, _strike(planned, at_ns))
            except ActuatorError as error:
                detail = str(error)
                continue
            del self.on[planned.id]
            if fault.layer is Layer.container:
                self._monitor.release(planned.targets)
            figures = self._note_end(planned, called_ns, at_ns, times)
            self._write_at(
                max(times.values(), default=time.monotonic_ns()), FaultEnded, planned, planned_ns=at_ns,
                spread_ms=_spread_ms(times), called_ns=called_ns, ended_ns=dict(times),
                because=figures.because, absent=figures.absent, counters=figures.counters,
                connections_hit=figures.connections_hit,
            )  # fmt: skip
            return True
        self._write(FaultEnded, planned, planned_ns=at_ns, called_ns=called_ns, detail=detail)
        self._journal.write(LabTrouble, what="fault_not_ended", detail=f"{planned.id}: {detail}")
        return False

    def _note_end(self, planned: PlannedFault, called_ns: int, at_ns: int, times: Times) -> Figures:
        figures = self._hands.figures(planned.id)
        if planned.id not in self.acts:
            # It could not begin on every target, and proves nothing; what it did begin on is ended.
            return figures
        self.acts[planned.id] = replace(
            self.acts[planned.id],
            ended_ns=times,
            end_called_ns=None if planned.for_s is None else called_ns,
            counters=figures.counters,
            connections_hit=figures.connections_hit,
            end_planned_ns=None if planned.for_s is None else at_ns,
            ended_because=figures.because,
            absent=tuple(figures.absent),
        )
        return figures

    async def _acted(self, fault: Fault, times: Times, called_ns: int) -> Times:
        """When the fault took hold: a call to the engine returns some hundred milliseconds after the act."""
        if not isinstance(fault, ContainerFault) or fault.begins_when_asked:
            return times
        acted = [await self._monitor.acted_ns(name, called_ns) for name in times]
        return {
            name: returned_ns if at_ns is None else min(at_ns, returned_ns)
            for (name, returned_ns), at_ns in zip(times.items(), acted, strict=True)
        }

    def _write(self, kind: type[Event], planned: PlannedFault, **fields: object) -> None:
        self._write_at(time.monotonic_ns(), kind, planned, **fields)

    def _write_at(self, at_ns: int, kind: type[Event], planned: PlannedFault, **fields: object) -> None:
        self._journal.write_at(
            at_ns, kind, fault=planned.id, kind=planned.fault, targets=list(planned.targets), **fields
        )


def _strike(planned: PlannedFault, at_ns: int) -> Injection:
    return Injection(planned.id, planned.targets, planned.seed, LEASE_MS, at_ns)


def _spread_ms(times: Times) -> float:
    return (max(times.values()) - min(times.values())) / 1e6 if times else 0.0


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
