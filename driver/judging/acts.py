"""What the driver did to the lab: one fault as it really began and ended, and how a container stood
meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from chaos.catalogue import make
from chaos.evidence import ContainerStatus
from chaos.fault import Fault
from chaos.targets import CORE
from driver.histories.events import FaultBegun, FaultEnded
from driver.histories.history import History

INSTANT_NS = 2_000_000_000
"""How long the effect of a fault that is over in an instant is looked for."""


@dataclass(frozen=True)
class Act:
    """One fault as the driver did it.

    `began_ns` and `ended_ns` are target → instant as Toxiproxy or the engine had it; `called_ns` and
    `end_called_ns` are when the driver asked for it (`end_called_ns` None where it is over in an instant).
    `counters` and `connections_hit` are Toxiproxy's own, by link; `ended_because` is why it ended there
    (deleted, lease, heal; "" where nothing says so), `absent` are links from which somebody else had taken it
    by then. `end_planned_ns` is when it should have ended.
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

    def ended(self, told: FaultEnded) -> Act:
        """The same, ended as the driver wrote down."""
        return replace(
            self,
            ended_ns=told.ended_ns or dict.fromkeys(self.targets, told.at_ns),
            end_called_ns=(told.called_ns or told.at_ns) if self.fault.lasting else None,
            counters=told.counters,
            connections_hit=told.connections_hit,
            end_planned_ns=told.planned_ns if self.fault.lasting else None,
            ended_because=told.because,
            absent=tuple(told.absent),
        )

    @cached_property
    def reaches_all(self) -> bool:
        """Whether every link feels it: what happens to the coordinator or to Toxiproxy itself."""
        return any(target in CORE for target in self.targets)

    @cached_property
    def first_ns(self) -> int:
        """When its first target was hit."""
        return min(self.began_ns.values(), default=self.called_ns)

    @cached_property
    def last_ns(self) -> int:
        """When its last target was healed, or, of an instant fault, when its effect has been seen."""
        if not self.fault.lasting:
            return max(self.began_ns.values(), default=self.called_ns) + INSTANT_NS
        return max(self.ended_ns.values(), default=max(self.began_ns.values(), default=self.called_ns))


@dataclass(frozen=True, slots=True)
class Sight:
    """State of a container at one instant, as the engine said it; asked at `asked_ns` (None: then too).

    `closely`: its limits were read then; else they are the last that were.
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
        """When it was asked: what it says was so at some time from then on."""
        return self.at_ns if self.asked_ns is None else self.asked_ns

    @property
    def state(self) -> ContainerStatus:
        """As a fault's rule reads it."""
        return ContainerStatus(self.status, self.plugged, self.cpus, self.memory_bytes)


def acts_of(history: History) -> list[Act]:
    """Every fault that began, as the driver wrote it down; in the order in which they began.

    Raises chaos.catalogue.FaultError for a fault that the catalogue does not have.
    """
    ended = {event.fault: event for event in history.of(FaultEnded) if not event.detail}
    return [_act(begun, ended.get(begun.fault)) for begun in history.of(FaultBegun)]


def _act(begun: FaultBegun, ended: FaultEnded | None) -> Act:
    fault = make(begun.kind, msgspec.json.decode(begun.params))
    act = Act(
        begun.fault,
        fault,
        tuple(begun.targets),
        planned_ns=begun.planned_ns,
        called_ns=begun.called_ns or begun.at_ns,
        began_ns=begun.began_ns or dict.fromkeys(begun.targets, begun.at_ns),
    )
    return act if ended is None else act.ended(ended)
