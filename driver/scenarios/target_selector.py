"""Targets of a scenario's faults: clients of the reference system, links and containers of another. Pure."""

from __future__ import annotations

from typing import Protocol

from chaos.fault import Fault, Layer
from chaos.system_targets import SystemTargets
from chaos.targets import CORE, Fleet, Selection, TargetError


class TargetSelector(Protocol):
    """Resolves the targets of a fault to names."""

    def select(self, fault: Fault, selection: Selection, draw: str, *, allow_empty: bool) -> tuple[str, ...]:
        """Return the targets of a selection, each once, in the system's order.

        `draw` is the name of the random draw. Raises TargetError where there is none (unless `allow_empty`),
        and for one that does not exist or on which the fault cannot act.
        """

    def links(self, selection: Selection, draw: str) -> tuple[str, ...]:
        """Return the links of a selection, at least one. Raises TargetError as `select` does."""


class FleetSelector:
    """Implements TargetSelector for the clients of the reference system."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def select(self, fault: Fault, selection: Selection, draw: str, *, allow_empty: bool) -> tuple[str, ...]:
        targets = self._fleet.select(selection, draw, allow_empty=allow_empty)
        core = [name for name in targets if name in CORE]
        if core and fault.layer is not Layer.container:
            raise TargetError(
                f"{fault.name} acts on the links of workers, and {core[0]} has none of its own; "
                "`targets: all` acts on every link to it"
            )
        return targets

    def links(self, selection: Selection, draw: str) -> tuple[str, ...]:
        return links_of_fleet(self._fleet, selection, draw)


class SystemSelector:
    """Implements TargetSelector for a foreign system: containers of container faults, links of all others."""

    def __init__(self, targets: SystemTargets) -> None:
        self._targets = targets

    def select(self, fault: Fault, selection: Selection, draw: str, *, allow_empty: bool) -> tuple[str, ...]:
        select = self._targets.containers if fault.layer is Layer.container else self._targets.links
        return select(selection, draw, allow_empty=allow_empty)

    def links(self, selection: Selection, draw: str) -> tuple[str, ...]:
        return self._targets.links(selection, draw)


def links_of_fleet(fleet: Fleet, selection: Selection, draw: str) -> tuple[str, ...]:
    """Return the links of a selection of clients. Raises TargetError, also for a container without a link."""
    found = fleet.select(selection, draw)
    core = [name for name in found if name in CORE]
    if core:
        raise TargetError(f"expected the link of a worker, like worker-3; found {core[0]}, which has none")
    return found
