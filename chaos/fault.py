"""What a fault is: a small model whose fields are its parameters, with words for people and a rule that tells
whether it was real.

A new fault is one file in chaos/faults/ with one such class, and one line in chaos/catalogue.py.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from chaos.directions import Direction
from chaos.evidence import Change, ContainerSeen, ContainerState, LinkSeen, Observation, Trace
from chaos.hands import Hands, LinkEffect, Strike, Times
from chaos.model import Strict
from chaos.prober.look import Look
from chaos.through import Sign, Through, through

# A busy machine may miss some looks in a row.
LEAST_REACH_S = 4.0
_LOOKS_MISSED = 4
# The usual look at new connections (one in 20 s) is not one that follows a fault through its time.
_CLOSE_PER_S = 0.2


class Layer(StrEnum):
    """Where a fault takes hold."""

    link = "link"
    handshake = "handshake"
    container = "container"


class Aspect(StrEnum):
    """What of a target a fault has its hands on; two faults that cannot share one contradict each other."""

    to_worker = "to_worker"
    to_coordinator = "to_coordinator"
    new = "new connections"
    live = "live connections"
    process = "the process"
    network = "the network"
    cpu = "processor time"
    memory = "memory"


@dataclass(frozen=True)
class Part:
    """One stretch of a fault that comes in stretches: seconds after its beginning, how long, and what it is
    then.
    """

    at_s: float
    for_s: float | None
    fault: Fault


class Fault(Strict, ABC):
    """One fault with its parameters. Class variables are what the catalogue, the help and docs/faults.md say
    about it.
    """

    name: ClassVar[str]
    layer: ClassVar[Layer]
    lasting: ClassVar[bool] = True
    """Whether it goes on until it is ended (and needs a `for`), or is over in an instant."""
    changes: ClassVar[frozenset[Change]] = frozenset()
    """What of a container it can change. Only a fault that can end a process excuses that one ended."""
    done_at_once: ClassVar[bool] = False
    """Whether a lasting fault did all that it is in its beginning; what follows is only its absence."""
    summary: ClassVar[str]
    ends_see: ClassVar[str]
    good_client: ClassVar[str]
    look: ClassVar[Look] = Look()
    """How closely the prober should look while it is on."""
    example: ClassVar[str]
    """Parameters that make sense, as one writes them in a scenario, for the help and the docs."""

    @abstractmethod
    async def begin(self, hands: Hands, strike: Strike) -> Times:
        """Let it begin on every target of the strike; target → when."""

    @abstractmethod
    async def end(self, hands: Hands, strike: Strike) -> Times:
        """Heal every target of the strike; target → when. Nothing happens where it is over already."""

    def unfold(self, for_s: float | None) -> tuple[Part, ...]:
        """The stretches in which it comes; most faults are one."""
        return (Part(0.0, for_s, self),)

    def look_for(self, for_s: float | None) -> Look:
        """How closely the prober should look when it lasts that long."""
        return self.look

    def cuts(self, for_s: float | None, notice_s: float) -> bool:
        """Whether a worker under it must lose its connection; silence costs it only after `notice_s`."""
        return False

    def alone(self) -> frozenset[Aspect]:
        """What of a target it takes wholly, so that no other fault can be there."""
        return frozenset()

    def among(self) -> frozenset[Aspect]:
        """What of a target it shares with faults of other names."""
        return frozenset()

    def traces(self) -> frozenset[Trace]:
        """What it leaves on a link that feels it."""
        return frozenset()

    def params(self) -> dict[str, Any]:
        """Its parameters as a scenario has them, units and all; what equals a default is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class LinkFault(Fault):
    """A fault on links, through Toxiproxy: all links at once, in one call, under a lease."""

    layer: ClassVar[Layer] = Layer.link

    @abstractmethod
    def effect(self) -> LinkEffect:
        """The toxics or the action that make it."""

    @abstractmethod
    def observed(self, seen: LinkSeen) -> Observation:
        """Whether what was seen of a link shows this very fault. On a spared link it must answer no."""

    def signs(self, seen: LinkSeen) -> list[Sign]:
        """Its effect in time: each look that shows it, or shows that it was gone; none where it is no effect
        that lasts.
        """
        return []

    def reach_ns(self, seen: LinkSeen) -> int:
        """The longest time between two signs of it that its look allows."""
        look = self.look_for(seen.during.length_ns / 1e9)
        slowest = min(rate for rate in (look.probes_per_s, look.connects_per_s, 1.0) if rate >= _CLOSE_PER_S)
        return round(max(LEAST_REACH_S, _LOOKS_MISSED / slowest) * 1e9)

    def through(self, seen: LinkSeen) -> Through | None:
        """How much of its window is proved; None where nothing of it has a time."""
        signs = self.signs(seen) if self.lasting else []
        if not signs:
            return None
        return through(signs, seen.during.from_ns, seen.during.until_ns, self.reach_ns(seen))

    async def begin(self, hands: Hands, strike: Strike) -> Times:
        return await hands.strike_links(strike, self.effect())

    async def end(self, hands: Hands, strike: Strike) -> Times:
        return await hands.release_links(strike.fault_id)


class DirectedFault(LinkFault):
    """A link fault that can hurt one direction alone."""

    direction: Annotated[
        Direction, Field(description="which way bytes are hurt: to_worker, to_coordinator or both")
    ] = Direction.both

    def halves(self) -> frozenset[Aspect]:
        """The directions that it hurts, as aspects of a link."""
        return frozenset(Aspect(half.value) for half in self.direction.halves)

    def among(self) -> frozenset[Aspect]:
        return self.halves()

    def each_way(self, up: Trace, down: Trace) -> frozenset[Trace]:
        """Of two traces those of the directions that it hurts."""
        halves = self.direction.halves
        return frozenset(
            trace
            for half, trace in ((Direction.to_coordinator, up), (Direction.to_worker, down))
            if half in halves
        )


class ContainerFault(Fault):
    """A fault at containers: workers, the coordinator, Toxiproxy itself."""

    layer: ClassVar[Layer] = Layer.container
    begins_when_asked: ClassVar[bool] = False
    """Whether it begins with the call, not when the engine is done: an orderly stop takes its time."""

    @abstractmethod
    async def hit(self, hands: Hands, container: str) -> int:
        """Do it to one container; returns when."""

    @abstractmethod
    async def restore(self, hands: Hands, container: str) -> int:
        """Undo it; returns when. The same again does no harm."""

    def traces(self) -> frozenset[Trace]:
        """At the coordinator or at Toxiproxy it may do anything to every link."""
        return frozenset(Trace)

    @abstractmethod
    def observed(self, seen: ContainerSeen) -> Observation:
        """Whether what was seen of a container shows this very fault."""

    def holds(self, state: ContainerState) -> bool:
        """Whether a container in this state is under the fault, as it must be all through its window."""
        return True

    async def begin(self, hands: Hands, strike: Strike) -> Times:
        times = await _each(strike.targets, [self.hit(hands, name) for name in strike.targets])
        if self.begins_when_asked and strike.begin_at_ns is not None:
            return dict.fromkeys(times, strike.begin_at_ns)
        return times

    async def end(self, hands: Hands, strike: Strike) -> Times:
        return await _each(strike.targets, [self.restore(hands, name) for name in strike.targets])


def contradiction(one: Fault, other: Fault) -> str:
    """Why two faults cannot be on one target at one time; "" when they can."""
    held = (one.alone() & (other.alone() | other.among())) | (other.alone() & one.among())
    if one.name == other.name:
        held |= one.among() & other.among()
    if not held:
        return ""
    what = " and ".join(sorted(held))
    return f"{one.name} and {other.name} both need {what} of it"


async def _each(targets: Sequence[str], acts: Sequence[Awaitable[int]]) -> Times:
    """All acts at once, to their end, even when one fails: what was begun must be known before an error is
    told.
    """
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return {name: at_ns for name, at_ns in zip(targets, outcomes, strict=True) if isinstance(at_ns, int)}
