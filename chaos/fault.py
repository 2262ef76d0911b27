"""The fault: a model whose fields are its parameters, with a description and a rule that decides from
observations whether the fault was real.

A new fault is one file in chaos/faults/ with one such class.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from chaos.abilities import Ability
from chaos.actuator import FaultActuator, Injection, LinkEffect, Times
from chaos.coverage import Coverage, EffectSample, coverage_of
from chaos.directions import Direction
from chaos.evidence import (
    ContainerEffect,
    ContainerEvidence,
    ContainerStatus,
    LinkEvidence,
    Observation,
    Symptom,
)
from chaos.model import Strict
from chaos.prober.probe_rate import ProbeRate

# A busy machine may miss several probes in a row.
MIN_MAX_GAP_S = 4.0
_PROBES_MISSED = 4
# The usual rate of new connections (one in 20 s) does not cover a fault's window.
_CLOSE_PER_S = 0.2


class Layer(StrEnum):
    """Where a fault acts."""

    link = "link"
    handshake = "handshake"
    container = "container"


class Aspect(StrEnum):
    """The aspects of a target that a fault acts on. Two faults conflict that cannot share one."""

    to_client = "to_worker"
    to_server = "to_coordinator"
    new = "new connections"
    live = "live connections"
    process = "the process"
    network = "the network"
    cpu = "processor time"
    memory = "memory"


@dataclass(frozen=True)
class Segment:
    """One segment of a fault: its begin in seconds after the fault's begin, its length, and the fault
    of that segment.
    """

    at_s: float
    for_s: float | None
    fault: Fault


class Fault(Strict, ABC):
    """One fault with its parameters. The class variables are the texts of the catalogue, the help and
    docs/faults.md.
    """

    name: ClassVar[str]
    rank: ClassVar[int] = 1000
    """Its place in help, docs and forms: the smallest first."""
    layer: ClassVar[Layer]
    lasting: ClassVar[bool] = True
    """Whether the fault lasts until it is healed (and needs a `for`), or is instantaneous."""
    changes: ClassVar[frozenset[ContainerEffect]] = frozenset()
    """What the fault can change about a container. Only a fault that can end a process explains that it
    ended.
    """
    needs: ClassVar[tuple[Ability, ...]] = ()
    """What it needs of the engine, what injects it first. A link fault needs nothing: Toxiproxy does it."""
    done_at_once: ClassVar[bool] = False
    """Whether a lasting fault acts only at its begin, like a kill: afterwards its target is merely absent."""
    plain_effect: ClassVar[str]
    """What happens, in a few words without those of protocols: a form lists the fault under it."""
    summary: ClassVar[str]
    visible_effect: ClassVar[str]
    expected_client_behaviour: ClassVar[str]
    probe_rate: ClassVar[ProbeRate] = ProbeRate()
    """The probe rate while the fault is on."""
    example: ClassVar[str]
    """Example parameters, as written in a scenario, for the help and the docs."""

    @abstractmethod
    async def begin(self, actuator: FaultActuator, injection: Injection) -> Times:
        """Inject the fault into every target; returns target → time. Raises ActuatorError."""

    @abstractmethod
    async def end(self, actuator: FaultActuator, injection: Injection) -> Times:
        """Heal every target; returns target → time. No effect where it has ended already. Raises
        ActuatorError.
        """

    def expand(self, for_s: float | None) -> tuple[Segment, ...]:
        """Return the segments of the fault; most faults have one."""
        return (Segment(0.0, for_s, self),)

    def probe_rate_for(self, for_s: float | None) -> ProbeRate:
        """Return the probe rate for a fault of that length."""
        return self.probe_rate

    def disconnects(self, for_s: float | None, notice_s: float) -> bool:
        """Return whether a client under the fault must lose its connection.

        Args:
            for_s: how long the fault lasts, None for an instantaneous one.
            notice_s: after how long a silent link counts as dead.
        """
        return False

    def exclusive_aspects(self) -> frozenset[Aspect]:
        """Return the aspects of a target that exclude every other fault."""
        return frozenset()

    def shared_aspects(self) -> frozenset[Aspect]:
        """Return the aspects of a target that it shares with faults of other names."""
        return frozenset()

    def symptoms(self) -> frozenset[Symptom]:
        """Return the symptoms that it can cause on a link."""
        return frozenset()

    def params(self) -> dict[str, Any]:
        """Return its parameters as in a scenario, with units, without those that equal their defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class LinkFault(Fault):
    """A fault on links, through Toxiproxy: all links at once, in one call, under a lease."""

    layer: ClassVar[Layer] = Layer.link

    @abstractmethod
    def effect(self) -> LinkEffect:
        """Return the toxics or the action that make the fault."""

    @abstractmethod
    def observed(self, seen: LinkEvidence) -> Observation:
        """Return whether the observations of a link show this fault and no other. For a spared link the
        answer is no.
        """

    def effect_samples(self, seen: LinkEvidence) -> list[EffectSample]:
        """Return the samples in time that show the effect, or its absence; none for an effect that does
        not last.
        """
        return []

    def max_gap_ns(self, seen: LinkEvidence) -> int:
        """Return the longest gap between two samples that its probe rate allows."""
        rate = self.probe_rate_for(seen.during.length_ns / 1e9)
        slowest = min(each for each in (rate.probes_per_s, rate.connects_per_s, 1.0) if each >= _CLOSE_PER_S)
        return round(max(MIN_MAX_GAP_S, _PROBES_MISSED / slowest) * 1e9)

    def coverage(self, seen: LinkEvidence) -> Coverage | None:
        """Return the proved part of the fault's window; None where no sample of it has a time."""
        samples = self.effect_samples(seen) if self.lasting else []
        if not samples:
            return None
        return coverage_of(samples, seen.during.from_ns, seen.during.until_ns, self.max_gap_ns(seen))

    async def begin(self, actuator: FaultActuator, injection: Injection) -> Times:
        return await actuator.inject_links(injection, self.effect())

    async def end(self, actuator: FaultActuator, injection: Injection) -> Times:
        return await actuator.heal_links(injection.fault_id)


class DirectedFault(LinkFault):
    """A link fault that can act on one direction alone."""

    direction: Annotated[
        Direction, Field(description="the affected direction: to_worker, to_coordinator or both")
    ] = Direction.both

    def halves(self) -> frozenset[Aspect]:
        """Return the affected directions as aspects of a link."""
        return frozenset(Aspect(half.value) for half in self.direction.halves)

    def shared_aspects(self) -> frozenset[Aspect]:
        return self.halves()

    def per_direction(self, up: Symptom, down: Symptom) -> frozenset[Symptom]:
        """Return those of two symptoms whose direction is affected."""
        halves = self.direction.halves
        return frozenset(
            trace
            for half, trace in ((Direction.to_server, up), (Direction.to_client, down))
            if half in halves
        )


class ContainerFault(Fault):
    """A fault at containers: clients, the server, Toxiproxy itself."""

    layer: ClassVar[Layer] = Layer.container
    begins_when_asked: ClassVar[bool] = False
    """Whether the fault begins with the call and not with the engine's answer, as an orderly stop does."""

    @abstractmethod
    async def apply(self, actuator: FaultActuator, container: str) -> int:
        """Inject the fault into one container; returns the time. Raises ActuatorError."""

    @abstractmethod
    async def restore(self, actuator: FaultActuator, container: str) -> int:
        """Heal one container; returns the time. Idempotent. Raises ActuatorError."""

    def symptoms(self) -> frozenset[Symptom]:
        """Return every symptom: a fault at the server or at Toxiproxy can cause any on all links."""
        return frozenset(Symptom)

    @abstractmethod
    def observed(self, seen: ContainerEvidence) -> Observation:
        """Return whether the observations of a container show this fault."""

    def holds(self, state: ContainerStatus) -> bool:
        """Return whether a container with this status is under the fault, as it must be through its
        whole window.
        """
        return True

    async def begin(self, actuator: FaultActuator, injection: Injection) -> Times:
        times = await _each(injection.targets, [self.apply(actuator, name) for name in injection.targets])
        if self.begins_when_asked and injection.begin_at_ns is not None:
            return dict.fromkeys(times, injection.begin_at_ns)
        return times

    async def end(self, actuator: FaultActuator, injection: Injection) -> Times:
        return await _each(injection.targets, [self.restore(actuator, name) for name in injection.targets])


def conflict(one: Fault, other: Fault) -> str:
    """Return why two faults cannot be on one target at the same time; "" if they can."""
    held = (one.exclusive_aspects() & (other.exclusive_aspects() | other.shared_aspects())) | (
        other.exclusive_aspects() & one.shared_aspects()
    )
    if one.name == other.name:
        held |= one.shared_aspects() & other.shared_aspects()
    if not held:
        return ""
    what = " and ".join(sorted(held))
    return f"{one.name} and {other.name} both need {what} of it"


async def _each(targets: Sequence[str], acts: Sequence[Awaitable[int]]) -> Times:
    """Run all calls at once, to their end. The first error is raised after the last call ended, so that every
    injected fault is known.
    """
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return {name: at_ns for name, at_ns in zip(targets, outcomes, strict=True) if isinstance(at_ns, int)}
