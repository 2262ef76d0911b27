"""Interface of a lab on whose links and containers faults act: the reference lab, a system behind doors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from driver.engines.engine import FaultEngine
from driver.labs.toxiproxy_api import FaultState, HealResult, Link, LinkState


class LinkControl(Protocol):
    """Links of one lab, through one Toxiproxy or several.

    Every call blocks, is bounded in time, and raises LinksError where a Toxiproxy does not answer or
    refuses. Names are those of the lab, also in what is returned.
    """

    def is_up(self) -> bool:
        """Return whether every Toxiproxy answers. Raises nothing."""

    def count(self) -> int:
        """Return the number of links."""

    def clock_ns(self) -> int:
        """Return CLOCK_MONOTONIC of Toxiproxy's host."""

    def create(self, links: Sequence[Link]) -> None:
        """Create those of these links that do not exist."""

    def states(self) -> list[LinkState]:
        """Return the state of every link."""

    def enabled_names(self) -> set[str]:
        """Return the names of the enabled links."""

    def begin_fault(self, fault: dict[str, Any], lead_s: float = 0.0) -> FaultState:
        """Begin a fault on all its links at one instant, or on none; return its state.

        `fault` is the body of `POST /lab/faults` (chaos/toxiproxy/README.md), and `lead_s` the time until its
        begin.
        """

    def wait_fault(self, fault_id: str, within_s: float) -> FaultState:
        """Return a fault's state once it no longer waits for its anchor, at the latest after `within_s`."""

    def renew_lease(self, fault_id: str, lease_ms: int) -> FaultState:
        """Let a fault's lease expire `lease_ms` from now. Raises LinksError when the fault has ended."""

    def end_fault(self, fault_id: str) -> FaultState:
        """End a fault, and return its last state. Repeating returns the same."""

    def faults(self) -> list[FaultState]:
        """Return the active faults."""

    def heal(self) -> HealResult:
        """End every fault, remove every toxic, enable every link."""


class FaultLab(Protocol):
    """A lab's engine and links, as far as faults and healing use them."""

    @property
    def engine(self) -> FaultEngine:
        """The containers on which faults act."""

    @property
    def links(self) -> LinkControl:
        """The links on which faults act."""
