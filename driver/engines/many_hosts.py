"""What an engine adds whose processes run on several hosts, each with a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from driver.histories.host_clock import ClockReading


@runtime_checkable
class ManyHosts(Protocol):
    """An engine of several hosts. Every call raises EngineGoneError when a host does not answer."""

    def placed(self) -> Mapping[str, Sequence[str]]:
        """Return the processes of each host of the lab, by the host's name."""

    def read_clock(self, host: str) -> ClockReading:
        """Read CLOCK_MONOTONIC of a host, over the control network: the shortest of some round trips."""

    def unreachable(self) -> list[str]:
        """Return what may still run on hosts that stopped answering, a sentence each. Raises nothing."""

    def offset_ns(self, process: str) -> int:
        """Return this machine's CLOCK_MONOTONIC minus that of a process's host, as last read."""


def offset_of(engine: object, process: str) -> int:
    """Return the offset of a process's clock; 0 where it shares this machine's."""
    return engine.offset_ns(process) if isinstance(engine, ManyHosts) else 0
