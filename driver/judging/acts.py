"""What the driver did to the lab: one fault as it really began and ended, and how a container stood
meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.fault import Fault
from chaos.targets import CORE

INSTANT_NS = 2_000_000_000
"""How long the effect of a fault that is over in an instant is looked for."""


@dataclass(frozen=True)
class Act:
    """One fault as the driver did it.

    `began_ns` and `ended_ns` are target → instant as Toxiproxy or the engine had it; `called_ns` and
    `end_called_ns` are when the driver asked for it (`end_called_ns` None where it is over in an instant).
    `counters` and `connections_hit` are Toxiproxy's own, by link.
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

    @property
    def reaches_all(self) -> bool:
        """Whether every link feels it: what happens to the coordinator or to Toxiproxy itself."""
        return any(target in CORE for target in self.targets)

    @property
    def first_ns(self) -> int:
        """When its first target was hit."""
        return min(self.began_ns.values(), default=self.called_ns)

    @property
    def last_ns(self) -> int:
        """When its last target was healed, or, of an instant fault, when its effect has been seen."""
        if not self.fault.lasting:
            return max(self.began_ns.values(), default=self.called_ns) + INSTANT_NS
        return max(self.ended_ns.values(), default=max(self.began_ns.values(), default=self.called_ns))


@dataclass(frozen=True)
class Sight:
    """How a container stood at one instant while a fault was on it, told by the engine."""

    container: str
    at_ns: int
    status: str
    plugged: bool = True
    cpus: float | None = None
    memory_bytes: int | None = None
