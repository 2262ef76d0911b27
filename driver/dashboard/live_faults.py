"""The faults of a lab, from the driver's events. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories import events as driver
from driver.histories.run_timeline import FaultWindow, fault_window


@dataclass
class LiveFault:
    """One fault: the event of its begin, its end (Unix time, None while it is on) and its receipt."""

    begun: driver.FaultBegun
    ended_wall_s: float | None = None
    receipt: driver.Receipt | None = None


class LiveFaults:
    """All faults by id, in the order in which they began."""

    def __init__(self) -> None:
        self.all: dict[str, LiveFault] = {}

    def on(self) -> list[LiveFault]:
        """Return the faults that have not ended."""
        return [fault for fault in self.all.values() if fault.ended_wall_s is None]

    def by_target(self) -> dict[str, list[str]]:
        """Return target → the ids of the faults that are on and aim at it."""
        found: dict[str, list[str]] = {}
        for fault in self.on():
            for target in fault.begun.targets:
                found.setdefault(target, []).append(fault.begun.fault)
        return found

    def begin(self, event: driver.FaultBegun) -> FaultWindow:
        """Add a fault; returns its window, still without an end."""
        self.all[event.fault] = LiveFault(event)
        return fault_window(event, None, None)

    def end(self, event: driver.FaultEnded) -> None:
        """Set the end of a fault, unless the event reports that it could not be ended."""
        fault = self.all.get(event.fault)
        if fault is not None and not event.detail:
            fault.ended_wall_s = event.wall_s

    def heal(self, event: driver.Healed) -> None:
        """End every fault that is on, unless the healing left some."""
        if event.left:
            return
        for fault in self.on():
            fault.ended_wall_s = event.wall_s

    def add_receipt(self, event: driver.Receipt) -> None:
        """Set the receipt of a fault; the receipt of an unknown fault is dropped."""
        if event.fault in self.all:
            self.all[event.fault].receipt = event
