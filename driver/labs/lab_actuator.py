"""Actuator of a lab: link faults through Toxiproxy, container faults through the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from chaos.actuator import ActuatorError, AnchorMissedError, Injection, LinkEffect, Times
from chaos.anchor import Anchor, AnchorKind, Strike, door_of
from chaos.directions import direction_of, stream
from chaos.fault import Fault
from chaos.targets import TOXIPROXY
from chaos.units import format_seconds
from driver.engines.engine import Limits
from driver.engines.many_hosts import offset_of
from driver.errors import EngineError, LinksError
from driver.labs.fault_lab import FaultLab
from driver.labs.fault_runner import FaultCounters
from driver.labs.lease_renewer import LeaseRenewer
from driver.labs.toxiproxy_api import FaultState
from wire.probe import BYTES_PATH, ECHO_PATH

WAIT_S = 2.0
"""The longest single wait for an anchor: a command that is stopped waits for its end."""


class LabActuator:
    """Implements `chaos.actuator.FaultActuator` and `fault_runner.RunActuator` on one lab.

    Contracts and errors are those of FaultActuator: every call raises ActuatorError where Toxiproxy or the
    engine fails. Calls on containers return the time at which the engine's call returned. `renewer` renews
    the leases of the faults that are injected here.
    """

    def __init__(self, lab: FaultLab, renewer: LeaseRenewer) -> None:
        self._lab = lab
        self._renewer = renewer
        self._ended: dict[str, FaultState] = {}
        self._offsets_ns: dict[str, int] = {}
        self._strikes: dict[str, Strike] = {}
        self._endings: set[asyncio.Task[None]] = set()

    async def inject_links(self, injection: Injection, effect: LinkEffect) -> Times:
        lead_s = 0.0
        if injection.begin_at_ns is not None:
            lead_s = max(0.0, (injection.begin_at_ns - time.monotonic_ns()) / 1e9)
        offset_ns = await self._read_offset(injection.fault_id)
        body = fault_body(injection, effect, offset_ns)
        state = await self._call_toxiproxy(lambda: self._lab.links.begin_fault(body, lead_s))
        self._renewer.add(injection.fault_id, injection.lease_ms)
        if injection.anchor is not None:
            state = await self._struck(injection, injection.anchor, offset_ns)
        return {link.link: link.began_at_mono_ns + offset_ns for link in state.links}

    async def reach(self, injection: Injection) -> Strike:
        anchor = injection.anchor
        assert anchor is not None, "there is an anchor to reach"
        watch_id = f"{injection.fault_id}-anchor"
        watch = replace(injection, fault_id=watch_id, targets=anchor.links)
        await self.inject_links(watch, LinkEffect())
        strike = self.strike(watch_id)
        assert strike is not None, "it was reached"
        # The fault begins first: each millisecond is one that the anchor is missed by.
        ending = asyncio.create_task(self._end_watch(watch_id))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return replace(strike, by_door=False)

    async def _end_watch(self, watch_id: str) -> None:
        with suppress(ActuatorError):
            await self.heal_links(watch_id)
            del self._ended[watch_id]

    def strike(self, fault_id: str) -> Strike | None:
        return self._strikes.pop(fault_id, None)

    async def _struck(self, injection: Injection, anchor: Anchor, offset_ns: int) -> FaultState:
        """Return the state of an armed fault once its anchor is reached.

        Raises AnchorMissedError where it is not in time, and ActuatorError where the fault ends before.
        """
        fault_id, deadline = injection.fault_id, time.monotonic() + injection.within_s
        while True:
            left_s = max(0.0, min(WAIT_S, deadline - time.monotonic()))
            state = await self._call_toxiproxy(partial(self._lab.links.wait_fault, fault_id, left_s))
            struck = None if state.anchor is None else state.anchor.struck
            if struck is not None and state.state == "on":
                self._strikes[fault_id] = Strike(
                    struck.link, direction_of(struck.stream), struck.bytes, struck.frame, struck.opened,
                    struck.connection, struck.exact, struck.at_mono_ns + offset_ns,
                )  # fmt: skip
                return state
            if state.state != "armed":
                self._renewer.remove(fault_id)
                why = f"it ended ({state.ended_because or 'no reason is recorded'}) before it began"
                raise ActuatorError(f"{anchor.text}: {why}")
            if time.monotonic() >= deadline:
                await self.heal_links(fault_id)
                within = format_seconds(injection.within_s)
                raise AnchorMissedError(f"its anchor ({anchor.text}) did not come within {within}")

    async def heal_links(self, fault_id: str) -> Times:
        self._renewer.remove(fault_id)
        state = await self._call_toxiproxy(lambda: self._lab.links.end_fault(fault_id))
        self._ended[fault_id] = state
        offset_ns = await self._read_offset(fault_id)
        return {link.link: link.ended_at_mono_ns + offset_ns for link in state.links}

    def toxiproxy_offset_ns(self, fault_id: str) -> int:
        return self._offsets_ns.get(fault_id, 0)

    async def _read_offset(self, fault_id: str) -> int:
        """Return this machine's clock minus Toxiproxy's, and keep it for `toxiproxy_offset_ns`."""
        try:
            offset_ns = await asyncio.to_thread(offset_of, self._lab.engine, TOXIPROXY)
        except EngineError as error:
            raise ActuatorError(str(error)) from None
        self._offsets_ns[fault_id] = offset_ns
        return offset_ns

    def counters(self, fault_id: str) -> FaultCounters:
        found = FaultCounters()
        state = self._ended.pop(fault_id, None)
        if state is not None:
            found.because = state.ended_because
            found.absent = [link.link for link in state.links if not link.present]
        for link in state.links if state else ():
            totals = found.counters.setdefault(link.link, {})
            for toxic in link.toxics:
                for name, count in toxic.counters.items():
                    totals[name] = totals.get(name, 0) + count
            found.connections_hit[link.link] = link.connections_hit
        return found

    def mechanism(self, fault: Fault) -> str:
        return self._lab.engine.abilities.by.get(fault.needs[0], "") if fault.needs else ""

    async def pause(self, container: str) -> int:
        return await self._degrade(container, self._lab.engine.pause)

    async def unpause(self, container: str) -> int:
        return await self._restore(container, self._lab.engine.unpause)

    async def kill(self, container: str) -> int:
        return await self._degrade(container, self._lab.engine.kill)

    async def stop(self, container: str, grace_s: float) -> int:
        return await self._degrade(container, lambda name: self._lab.engine.stop(name, grace_s))

    async def start(self, container: str) -> int:
        return await self._restore(container, self._lab.engine.start)

    async def restart(self, container: str, grace_s: float) -> int:
        if container == TOXIPROXY:
            self._renewer.expect_outage()
        return await self._restore(container, lambda name: self._lab.engine.restart(name, grace_s))

    async def unplug(self, container: str) -> int:
        return await self._degrade(container, self._lab.engine.unplug)

    async def plug(self, container: str) -> int:
        return await self._restore(container, self._lab.engine.plug)

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        limits = Limits(cpus, memory_bytes)
        return await self._call_engine(container, lambda name: self._lab.engine.limit(name, limits))

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        return await self._call_engine(container, lambda name: self._lab.engine.unlimit(name, cpus, memory))

    async def _degrade(self, container: str, call: Callable[[str], None]) -> int:
        if container == TOXIPROXY:
            self._renewer.expect_outage()
        return await self._call_engine(container, call)

    async def _restore(self, container: str, call: Callable[[str], None]) -> int:
        at_ns = await self._call_engine(container, call)
        if container == TOXIPROXY:
            try:
                await self._renewer.wait_until_back()
            except LinksError as error:
                raise ActuatorError(f"Toxiproxy did not come back: {error}") from None
        return at_ns

    async def _call_engine(self, container: str, call: Callable[[str], None]) -> int:
        """Call the engine for one container. Returns the time at which the call returned."""
        try:
            await asyncio.to_thread(call, container)
        except EngineError as error:
            raise ActuatorError(str(error)) from None
        return time.monotonic_ns()

    async def _call_toxiproxy(self, call: Callable[[], FaultState]) -> FaultState:
        try:
            return await asyncio.to_thread(call)
        except LinksError as error:
            raise ActuatorError(str(error)) from None


def fault_body(injection: Injection, effect: LinkEffect, offset_ns: int = 0) -> dict[str, Any]:
    """Return the body of `POST /lab/faults` (chaos/toxiproxy/README.md).

    `offset_ns` is this machine's clock minus Toxiproxy's.
    """
    body: dict[str, Any] = {
        "id": injection.fault_id,
        "links": list(injection.targets),
        "lease_ms": injection.lease_ms,
        "seed": injection.seed,
        "action": effect.action.value,
        "toxics": [
            {"type": toxic.type, "stream": stream(toxic.direction), "attributes": dict(toxic.attributes)}
            for toxic in effect.toxics
        ],
    }
    if injection.begin_at_ns is not None:
        body["begin_at_mono_ns"] = injection.begin_at_ns - offset_ns
    if injection.anchor is not None:
        body["when"] = anchor_body(injection.anchor)
    return body


def anchor_body(anchor: Anchor) -> dict[str, Any]:
    """Return an anchor as the `when` of `POST /lab/faults`."""
    point = anchor.point
    body: dict[str, Any] = {"links": list(anchor.links)}
    if point.kind is AnchorKind.pattern:
        body |= {"pattern": point.pattern, "occurrence": point.occurrence}
    else:
        body[point.kind.value] = point.number
    if point.kind in (AnchorKind.bytes, AnchorKind.frame, AnchorKind.pattern):
        body["stream"] = stream(point.stream)
    if point.connection is not None:
        body["connection"] = point.connection
    if point.before:
        body["before"] = True
    if all(door_of(link) == "" for link in anchor.links):
        # The prober of the reference lab uses the links of clients, and shows by its first bytes.
        body["skip"] = [f"GET {BYTES_PATH}", f"GET {ECHO_PATH}"]
    return body
