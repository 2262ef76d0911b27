"""The driver's hands: what a fault may do (chaos/actuator.py), done through Toxiproxy and the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from chaos.actuator import ActuatorError, Injection, LinkEffect, Times
from chaos.directions import stream
from driver.engines.engine import Limits
from driver.errors import EngineError, LinksError
from driver.labs.fault_runner import Figures
from driver.labs.guardian import Guardian
from driver.labs.lab import Lab
from driver.labs.links import FaultState

TOXIPROXY = "toxiproxy"


class LabHands:
    """Implements chaos.actuator.Hands on one lab, whose links `guardian` watches."""

    def __init__(self, lab: Lab, guardian: Guardian) -> None:
        self._lab = lab
        self._guardian = guardian
        self._ended: dict[str, FaultState] = {}

    async def inject_links(self, strike: Injection, effect: LinkEffect) -> Times:
        lead_s = 0.0 if strike.begin_at_ns is None else (strike.begin_at_ns - time.monotonic_ns()) / 1e9
        state = await self._ask(lambda: self._lab.links.begin(_body(strike, effect), max(0.0, lead_s)))
        self._guardian.keep(strike.fault_id, strike.lease_ms)
        return {link.link: link.began_at_mono_ns for link in state.links}

    async def heal_links(self, fault_id: str) -> Times:
        self._guardian.let_go(fault_id)
        state = self._ended[fault_id] = await self._ask(lambda: self._lab.links.end(fault_id))
        return {link.link: link.ended_at_mono_ns for link in state.links}

    def figures(self, fault_id: str) -> Figures:
        """What Toxiproxy counted of a link fault that has ended; nothing of any other."""
        figures = Figures()
        state = self._ended.pop(fault_id, None)
        if state is not None:
            figures.because = state.ended_because
            figures.absent = [link.link for link in state.links if not link.present]
        for link in state.links if state else ():
            totals = figures.counters.setdefault(link.link, {})
            for toxic in link.toxics:
                for name, count in toxic.counters.items():
                    totals[name] = totals.get(name, 0) + count
            figures.connections_hit[link.link] = link.connections_hit
        return figures

    async def pause(self, container: str) -> int:
        return await self._hurt(container, self._lab.engine.pause)

    async def unpause(self, container: str) -> int:
        return await self._mend(container, self._lab.engine.unpause)

    async def kill(self, container: str) -> int:
        return await self._hurt(container, self._lab.engine.kill)

    async def stop(self, container: str, grace_s: float) -> int:
        return await self._hurt(container, lambda name: self._lab.engine.stop(name, grace_s))

    async def start(self, container: str) -> int:
        return await self._mend(container, self._lab.engine.start)

    async def restart(self, container: str, grace_s: float) -> int:
        if container == TOXIPROXY:
            self._guardian.expect_silence()
        return await self._mend(container, lambda name: self._lab.engine.restart(name, grace_s))

    async def unplug(self, container: str) -> int:
        return await self._hurt(container, self._lab.engine.unplug)

    async def plug(self, container: str) -> int:
        return await self._mend(container, self._lab.engine.plug)

    async def limit(
        self, container: str, *, cpus: float | None = None, memory_bytes: int | None = None
    ) -> int:
        limits = Limits(cpus, memory_bytes)
        return await self._act(container, lambda name: self._lab.engine.limit(name, limits))

    async def unlimit(self, container: str, *, cpus: bool = False, memory: bool = False) -> int:
        return await self._act(container, lambda name: self._lab.engine.unlimit(name, cpus, memory))

    async def _hurt(self, container: str, act: Callable[[str], None]) -> int:
        if container == TOXIPROXY:
            self._guardian.expect_silence()
        return await self._act(container, act)

    async def _mend(self, container: str, act: Callable[[str], None]) -> int:
        at_ns = await self._act(container, act)
        if container == TOXIPROXY:
            try:
                await self._guardian.back_again()
            except LinksError as error:
                raise ActuatorError(f"Toxiproxy did not come back: {error}") from None
        return at_ns

    async def _act(self, container: str, act: Callable[[str], None]) -> int:
        """One act on one container; the instant at which the engine had done it."""
        try:
            await asyncio.to_thread(act, container)
        except EngineError as error:
            raise ActuatorError(str(error)) from None
        return time.monotonic_ns()

    async def _ask(self, call: Callable[[], FaultState]) -> FaultState:
        try:
            return await asyncio.to_thread(call)
        except LinksError as error:
            raise ActuatorError(str(error)) from None


def _body(strike: Injection, effect: LinkEffect) -> dict[str, Any]:
    """The body of `POST /lab/faults` (chaos/toxiproxy/README.md)."""
    body: dict[str, Any] = {
        "id": strike.fault_id,
        "links": list(strike.targets),
        "lease_ms": strike.lease_ms,
        "seed": strike.seed,
        "action": effect.action.value,
        "toxics": [
            {"type": toxic.type, "stream": stream(toxic.direction), "attributes": dict(toxic.attributes)}
            for toxic in effect.toxics
        ],
    }
    if strike.begin_at_ns is not None:
        body["begin_at_mono_ns"] = strike.begin_at_ns
    return body
