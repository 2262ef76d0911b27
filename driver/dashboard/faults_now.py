"""The faults of a lab as they come and go, by the driver's own lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from driver.histories import events as driver
from driver.histories.run_timeline import FaultWindow, fault_window


@dataclass
class FaultNow:
    """One fault: what began, when it ended, and its receipt once there is one."""

    begun: driver.FaultBegun
    window: FaultWindow
    ended_wall_s: float | None = None
    receipt: driver.Receipt | None = None


class FaultsNow:
    """All of them by their id, in the order in which they began."""

    def __init__(self) -> None:
        self.all: dict[str, FaultNow] = {}

    def on(self) -> list[FaultNow]:
        """Those that have not ended."""
        return [fault for fault in self.all.values() if fault.ended_wall_s is None]

    def hurt(self) -> dict[str, list[str]]:
        """Workers that are aimed at now, with the faults that are on."""
        found: dict[str, list[str]] = {}
        for fault in self.on():
            for target in fault.begun.targets:
                found.setdefault(target, []).append(fault.begun.fault)
        return found

    def begun(self, event: driver.FaultBegun) -> FaultWindow:
        """One more; the window in which it is on."""
        window = fault_window(event, None, None)
        self.all[event.fault] = FaultNow(event, window)
        return window

    def ended(self, event: driver.FaultEnded) -> None:
        """One less, unless it could not be ended."""
        fault = self.all.get(event.fault)
        if fault is not None and not event.detail:
            fault.ended_wall_s = event.wall_s

    def healed(self, event: driver.Healed) -> None:
        """None is left, unless some are."""
        if event.left:
            return
        for fault in self.on():
            fault.ended_wall_s = event.wall_s

    def proved(self, event: driver.Receipt) -> None:
        """What the prober saw of one."""
        if event.fault in self.all:
            self.all[event.fault].receipt = event
