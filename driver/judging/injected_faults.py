"""Faults as the driver injected them, and samples of the containers' state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from chaos.anchor import Strike
from chaos.catalogue import make
from chaos.directions import Direction
from chaos.evidence import ContainerStatus
from chaos.fault import Fault
from chaos.targets import CORE
from driver.histories.events import AnchorReached, FaultBegun, FaultEnded
from driver.histories.history import History

INSTANT_NS = 2_000_000_000
"""The window after an instantaneous fault in which its effect is looked for."""


@dataclass(frozen=True)
class InjectedFault:
    """One fault as the driver injected it. Instants are monotonic nanoseconds.

    `called_ns` and `end_called_ns` are when the driver requested begin and end (the latter None where it is
    instantaneous), `began_ns` and `ended_ns` map each target to when Toxiproxy or the engine had done it;
    `end_planned_ns` is when it was due to end. By Toxiproxy: `counters` and `connections_hit` by link,
    `ended_because` (deleted, lease, heal; "" where unrecorded), and `absent`, the links from which it had
    been removed before its end. `mechanism` is what the engine did it by; "" for a fault on links. `strike`
    is where the anchor of one that has one was reached.
    """

    fault_id: str
    fault: Fault
    targets: tuple[str, ...]
    planned_ns: int
    called_ns: int
    began_ns: Mapping[str, int]
    ended_ns: Mapping[str, int] = field(default_factory=dict)
    end_called_ns: int | None = None
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    connections_hit: Mapping[str, int] = field(default_factory=dict)
    end_planned_ns: int | None = None
    ended_because: str = ""
    absent: tuple[str, ...] = ()
    mechanism: str = ""
    strike: Strike | None = None

    def with_end(self, end: FaultEnded) -> InjectedFault:
        """Return a copy with the end that the driver recorded."""
        return replace(
            self,
            ended_ns=end.ended_ns or dict.fromkeys(self.targets, end.at_ns),
            end_called_ns=(end.called_ns or end.at_ns) if self.fault.lasting else None,
            counters=end.counters,
            connections_hit=end.connections_hit,
            end_planned_ns=end.planned_ns if self.fault.lasting else None,
            ended_because=end.because,
            absent=tuple(end.absent),
        )

    @cached_property
    def reaches_all(self) -> bool:
        """Whether it affects every link: its target is the server or Toxiproxy."""
        return any(target in CORE for target in self.targets)

    @cached_property
    def first_ns(self) -> int:
        """When its first target was hit."""
        return min(self.began_ns.values(), default=self.called_ns)

    @cached_property
    def last_ns(self) -> int:
        """When its last target was healed; of an instantaneous fault, INSTANT_NS after its last hit."""
        if not self.fault.lasting:
            return max(self.began_ns.values(), default=self.called_ns) + INSTANT_NS
        return max(self.ended_ns.values(), default=max(self.began_ns.values(), default=self.called_ns))


@dataclass(frozen=True, slots=True)
class ContainerSample:
    """State of a container by the engine, requested at `asked_ns` (None: at_ns) and answered at `at_ns`.

    `closely`: its limits were read too; otherwise they are the last that were read.
    """

    container: str
    at_ns: int
    status: str
    plugged: bool = True
    cpus: float | None = None
    memory_bytes: int | None = None
    asked_ns: int | None = None
    closely: bool = True

    @property
    def from_ns(self) -> int:
        """When it was requested: the state was true at some time from then on."""
        return self.at_ns if self.asked_ns is None else self.asked_ns

    @property
    def state(self) -> ContainerStatus:
        """The state as a fault's rule takes it."""
        return ContainerStatus(self.status, self.plugged, self.cpus, self.memory_bytes)


def injected_faults(history: History) -> list[InjectedFault]:
    """Return every fault that began, as the driver recorded it, in the order of their begins.

    Raises chaos.catalogue.FaultError for a fault that the catalogue does not have.
    """
    ended = {event.fault: event for event in history.of(FaultEnded) if not event.detail}
    return [_injected(begun, ended.get(begun.fault)) for begun in history.of(FaultBegun)]


def strike_of(reached: AnchorReached) -> Strike:
    """Return a strike as the driver recorded it."""
    fields = {name: getattr(reached, name) for name in AnchorReached.__struct_fields__ if name != "anchor"}
    return Strike(**{**fields, "direction": Direction(reached.direction)})


def _injected(begun: FaultBegun, ended: FaultEnded | None) -> InjectedFault:
    fault = make(begun.kind, msgspec.json.decode(begun.params))
    injected = InjectedFault(
        begun.fault,
        fault,
        tuple(begun.targets),
        planned_ns=begun.planned_ns,
        called_ns=begun.called_ns or begun.at_ns,
        began_ns=begun.began_ns or dict.fromkeys(begun.targets, begun.at_ns),
        mechanism=begun.mechanism,
        strike=None if begun.reached is None else strike_of(begun.reached),
    )
    return injected if ended is None else injected.with_end(ended)
