"""What a search may draw: faults, links, containers, and the time in which they begin and end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.catalogue import FAULTS
from chaos.fault import Layer

LEFT_OUT = ("cpu", "memory")
"""Faults that no search draws by itself: they last past their end, in caches and in what was killed."""


@dataclass(frozen=True)
class FaultSpace:
    """All that a search of one system draws from.

    `links` and `containers` are the names of targets, `faults` those of the catalogue. A fault is within
    `from_s` and `until_s`. `clients` are those of the reference system. `dialled` are the links on which
    connections begin without any fault too, None where that is unknown: on another one a fault seldom waits
    for one.
    """

    links: tuple[str, ...]
    containers: tuple[str, ...]
    from_s: float
    until_s: float
    duration_s: float
    clients: int = 0
    faults: tuple[str, ...] = ()
    most_faults: int = 4
    dialled: tuple[str, ...] | None = None

    def targets_of(self, fault: str) -> tuple[str, ...]:
        """Return the targets on which a fault of the catalogue can act."""
        return self.containers if FAULTS[fault].layer is Layer.container else self.links

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs of a fault and one target."""
        return [(fault, target) for fault in self.faults for target in self.targets_of(fault)]


def drawable_faults(links: Sequence[str], containers: Sequence[str]) -> tuple[str, ...]:
    """Return the faults of the catalogue that a search draws, given what there is to act on."""
    return tuple(
        name
        for name, kind in FAULTS.items()
        if name not in LEFT_OUT and (containers if kind.layer is Layer.container else links)
    )
