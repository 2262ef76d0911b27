"""Begins and ends the faults of a plan at their times, and journals when each really began and ended."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

import msgspec

from chaos.actuator import ActuatorError, AnchorMissedError, FaultActuator, Injection, Times
from chaos.anchor import Strike
from chaos.evidence import ContainerEffect
from chaos.fault import ContainerFault, Fault, Layer
from driver.histories.driver_journal import DriverJournal
from driver.histories.events import AnchorReached, FaultBegun, FaultEnded, FaultFailed, LabTrouble
from driver.judging.receipts import InjectedFault
from driver.labs.container_monitor import ContainerMonitor
from driver.labs.lease_renewer import LEASE_MS
from driver.scenarios.fault_timeline import FaultTimeline, Step, StepKind
from driver.scenarios.plan import PlannedFault
from wire.events import Event

LEAD_S = 0.4
"""Link faults are sent ahead of their time by this much: Toxiproxy begins them on all links at once."""
END_TRIES = 3
READ_BEFORE_END_S = 0.3
"""Containers under a fault are read once more, by this much before the fault ends."""

_log = logging.getLogger("stormlab.faults")


@dataclass
class FaultCounters:
    """Toxiproxy's account of one fault at its end.

    `counters` are those of its toxics, by link; `connections_hit` the live connections that it affected, by
    link; `because` why it ended (deleted, lease or heal); `absent` the links from which another client had
    removed it.
    """

    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    connections_hit: dict[str, int] = field(default_factory=dict)
    because: str = ""
    absent: list[str] = field(default_factory=list)


class RunActuator(FaultActuator, Protocol):
    """FaultActuator with the counters of ended link faults, and the engine's mechanisms."""

    async def reach(self, injection: Injection) -> Strike:
        """Wait until the anchor of an injection is reached, and begin nothing.

        Raises AnchorMissedError where it is not in its time, and ActuatorError.
        """

    def strike(self, fault_id: str) -> Strike | None:
        """Return, once, where a link fault that has begun at its anchor struck; None of any other."""

    def counters(self, fault_id: str) -> FaultCounters:
        """Return the counters of a link fault once after its `heal_links`; empty ones of any other fault."""

    def mechanism(self, fault: Fault) -> str:
        """Return what the engine does a fault by; "" for one that needs no engine."""

    def toxiproxy_offset_ns(self, fault_id: str) -> int:
        """Return what was added to instants that Toxiproxy reported of a fault last; 0 of any other one."""


class FaultRunner:
    """Injects the faults of a plan, through an actuator.

    `notice_s` is the shortest silence, in seconds, after which a client loses its connection. `active` has
    the faults that are on or wait for their anchor, `injected` what was done by each fault that began,
    `failed` the reason of each that could not begin, and `missed` that of each whose anchor did not come; all
    by id.
    """

    def __init__(
        self,
        actuator: RunActuator,
        monitor: ContainerMonitor,
        journal: DriverJournal,
        faults: tuple[PlannedFault, ...],
        notice_s: float,
    ) -> None:
        self._actuator = actuator
        self._monitor = monitor
        self._journal = journal
        self._timeline = FaultTimeline(faults)
        self._notice_s = notice_s
        self._begun: dict[str, asyncio.Task[bool]] = {}
        self._began_ns: dict[str, int] = {}
        self.active: dict[str, PlannedFault] = {}
        self.injected: dict[str, InjectedFault] = {}
        self.failed: dict[str, str] = {}
        self.missed: dict[str, str] = {}

    def active_names(self) -> list[str]:
        """Return the active faults for display: `refuse on 20`."""
        return [
            f"{one.fault} on {len(one.targets)}{' at its anchor' if self._waits(one) else ''}"
            for one in self.active.values()
        ]

    def _waits(self, planned: PlannedFault) -> bool:
        """Return whether an active fault waits for its anchor."""
        return planned.when is not None and planned.id not in self.injected

    def may_end(self, name: str) -> bool:
        """Return whether an active fault on this container can end its process."""
        return any(
            name in planned.targets
            and ContainerEffect.ended in planned.build().changes
            and not self._waits(planned)
            for planned in self.active.values()
        )

    async def run(self, zero_ns: int) -> None:
        """Begin and end every fault at its time after `zero_ns` (CLOCK_MONOTONIC), until all have ended.

        A fault that cannot begin or end is journaled and raises nothing: see `failed` and `active`. Raises a
        group with the LabError of a journal that cannot be written.
        """
        async with asyncio.TaskGroup() as group:
            while (next_s := self._timeline.next_at_s) is not None:
                await _until(zero_ns + round((next_s - LEAD_S) * 1e9))
                for step in self._timeline.due((time.monotonic_ns() - zero_ns) / 1e9 + LEAD_S):
                    at_ns = zero_ns + round(step.at_s * 1e9)
                    task = group.create_task(self._execute(step, at_ns))
                    if step.what is StepKind.begin:
                        self._begun[step.fault.id] = task

    async def end_all(self) -> bool:
        """End every active fault now. Returns whether all ended. Raises the journal's LabError."""
        ended = [await self._end(planned, time.monotonic_ns()) for planned in list(self.active.values())]
        return all(ended)

    async def _execute(self, step: Step, at_ns: int) -> bool:
        if step.fault.when is not None:
            return await self._execute_anchored(step.fault, at_ns)
        if step.what is StepKind.begin:
            return await self._begin(step.fault, at_ns)
        # A fault that could not begin needs no end.
        if not await self._begun[step.fault.id]:
            return False
        return await self._end_in_time(step.fault, at_ns)

    async def _execute_anchored(self, planned: PlannedFault, at_ns: int) -> bool:
        """Arm a fault at its time, and end it once it has lasted from its anchor."""
        if not await self._begin(planned, at_ns):
            return False
        if planned.for_s is None:
            return True
        struck_ns = self.injected[planned.id].planned_ns
        return await self._end_in_time(planned, struck_ns + round(planned.for_s * 1e9))

    async def _end_in_time(self, planned: PlannedFault, at_ns: int) -> bool:
        async with asyncio.TaskGroup() as reading:
            if planned.build().layer is Layer.container:
                await _until(at_ns - round(READ_BEFORE_END_S * 1e9))
                # Concurrently: the engine answers only after a container that it is starting has started.
                reading.create_task(self._monitor.read(planned.targets))
            await _until(at_ns)
            # A fault may need longer to begin than it lasts (a process drains before it stops): it ends once
            # it has begun.
            return await self._end(planned, max(at_ns, self._began_ns[planned.id]))

    async def _begin(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.build()
        if fault.layer is Layer.container:
            await _until(at_ns)
            self._monitor.watch_closely(planned.targets)
        self.active[planned.id] = planned
        called_ns = time.monotonic_ns()
        strike: Strike | None = None
        try:
            if planned.when is not None and not planned.is_struck_by_door:
                strike = await self._actuator.reach(_injection(planned, at_ns))
                called_ns = time.monotonic_ns()
            times = await fault.begin(self._actuator, _injection(planned, at_ns, strike))
        except AnchorMissedError as error:
            # It is disarmed, so that nothing is left to heal.
            del self.active[planned.id]
            if fault.layer is Layer.container:
                self._monitor.release(planned.targets)
            self.missed[planned.id] = str(error)
            self._write(FaultFailed, planned, detail=str(error))
            return False
        except ActuatorError as error:
            # It may have begun on some targets. Healing restores every target.
            self.failed[planned.id] = str(error)
            self._write(FaultFailed, planned, detail=str(error))
            return False
        times = await self._begin_times(fault, times, called_ns)
        if planned.is_struck_by_door:
            strike = self._actuator.strike(planned.id)
        if strike is not None:
            at_ns, called_ns = strike.at_ns, max(called_ns, strike.at_ns)
        mechanism = self._actuator.mechanism(fault)
        self.injected[planned.id] = InjectedFault(
            planned.id,
            fault,
            planned.targets,
            at_ns,
            called_ns,
            times,
            mechanism=mechanism,
            strike=strike,
        )
        self._write_at(
            max(times.values(), default=at_ns), FaultBegun, planned,
            params=msgspec.Raw(msgspec.json.encode(planned.params)), planned_ns=at_ns,
            changes=sorted(fault.changes),
            spread_ms=_spread_ms(times), cuts=fault.disconnects(planned.for_s, self._notice_s),
            called_ns=called_ns, began_ns=dict(times), for_s=planned.for_s, mechanism=mechanism,
            toxiproxy_offset_ns=self._actuator.toxiproxy_offset_ns(planned.id),
            reached=_reached(planned, strike),
        )  # fmt: skip
        if fault.layer is Layer.container:
            await self._monitor.read(planned.targets)
        self._began_ns[planned.id] = time.monotonic_ns()
        if planned.for_s is None:
            await self._end(planned, self._began_ns[planned.id])
        return True

    async def _end(self, planned: PlannedFault, at_ns: int) -> bool:
        fault = planned.build()
        called_ns = time.monotonic_ns()
        detail = ""
        for _ in range(END_TRIES):
            try:
                times = await fault.end(self._actuator, _injection(planned, at_ns))
            except ActuatorError as error:
                detail = str(error)
                continue
            del self.active[planned.id]
            if fault.layer is Layer.container:
                self._monitor.release(planned.targets)
            ended = self._note_end(planned, called_ns, at_ns, times)
            self._write_at(
                max(times.values(), default=time.monotonic_ns()), FaultEnded, planned, planned_ns=at_ns,
                spread_ms=_spread_ms(times), called_ns=called_ns, ended_ns=dict(times),
                because=ended.because, absent=ended.absent, counters=ended.counters,
                connections_hit=ended.connections_hit,
                toxiproxy_offset_ns=self._actuator.toxiproxy_offset_ns(planned.id),
            )  # fmt: skip
            if fault.layer is Layer.container:
                # The last fault of a run ends beside its monitor: the engine's event may come too late.
                await self._monitor.read(planned.targets)
            return True
        self._write(FaultEnded, planned, planned_ns=at_ns, called_ns=called_ns, detail=detail)
        self._journal.write(LabTrouble, what="fault_not_ended", detail=f"{planned.id}: {detail}")
        return False

    def _note_end(self, planned: PlannedFault, called_ns: int, at_ns: int, times: Times) -> FaultCounters:
        ended = self._actuator.counters(planned.id)
        if planned.id not in self.injected:
            # It could not begin on every target, so no receipt is made of it.
            return ended
        self.injected[planned.id] = replace(
            self.injected[planned.id],
            ended_ns=times,
            end_called_ns=None if planned.for_s is None else called_ns,
            counters=ended.counters,
            connections_hit=ended.connections_hit,
            end_planned_ns=None if planned.for_s is None else at_ns,
            ended_because=ended.because,
            absent=tuple(ended.absent),
        )
        return ended

    async def _begin_times(self, fault: Fault, times: Times, called_ns: int) -> Times:
        """Return when the fault began on each target, by the engine's events.

        A call of the engine returns some hundred milliseconds after its effect.
        """
        if not isinstance(fault, ContainerFault) or fault.begins_when_asked:
            return times
        events_ns = [await self._monitor.first_action_ns(name, called_ns) for name in times]
        return {
            name: returned_ns if event_ns is None else min(event_ns, returned_ns)
            for (name, returned_ns), event_ns in zip(times.items(), events_ns, strict=True)
        }

    def _write(self, kind: type[Event], planned: PlannedFault, **fields: object) -> None:
        self._write_at(time.monotonic_ns(), kind, planned, **fields)

    def _write_at(self, at_ns: int, kind: type[Event], planned: PlannedFault, **fields: object) -> None:
        self._journal.write_at(
            at_ns, kind, fault=planned.id, kind=planned.fault, targets=list(planned.targets), **fields
        )


def _injection(planned: PlannedFault, at_ns: int, strike: Strike | None = None) -> Injection:
    """Return the injection of a fault; after the `strike` of its anchor one that begins now."""
    one = Injection(planned.id, planned.targets, planned.seed, LEASE_MS, at_ns)
    if strike is not None:
        return replace(one, begin_at_ns=strike.at_ns)
    if planned.when is not None:
        return replace(one, anchor=planned.when.anchor, within_s=planned.when.within_s)
    return one


def _reached(planned: PlannedFault, strike: Strike | None) -> AnchorReached | None:
    if strike is None or planned.when is None:
        return None
    fields = {**asdict(strike), "direction": strike.direction.value}
    return AnchorReached(anchor=planned.when.anchor.text, **fields)


def _spread_ms(times: Times) -> float:
    return (max(times.values()) - min(times.values())) / 1e6 if times else 0.0


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
