"""The run on a lab: its phase, its zero of time, and whether it is over. Pure."""

from __future__ import annotations

from driver.histories import events as driver


class LiveRun:
    """The state of a scenario's run, from the driver's events; a lab by `up` has none of them."""

    def __init__(self) -> None:
        self.started: driver.RunStarted | None = None
        self.phase = ""
        self.is_over = False
        """Whether the drain has ended: the lab's own teardown follows, which the report counts neither."""
        self.zero_ns, self.zero_wall_s = 0, 0.0
        """The origin of the scenario's times, monotonic and as Unix time; 0 before the gate."""

    def begin_phase(self, event: driver.PhaseBegun) -> None:
        """Enter a phase; the gate sets the zero of time."""
        self.phase = event.phase
        zero_ns = event.zero_ns or (event.at_ns if event.phase == "gate" else 0)
        if zero_ns:
            self.zero_ns, self.zero_wall_s = zero_ns, event.wall_s + (zero_ns - event.at_ns) / 1e9
        self.is_over |= event.phase == "collect"

    def end_phase(self, event: driver.PhaseEnded) -> None:
        """Leave a phase; with the drain the run is over."""
        self.is_over |= event.phase == "drain"

    def left_s(self, now_ns: int) -> float | None:
        """Return the rest of the load in seconds, at least 0; None before the gate and after the drain."""
        if self.started is None or not self.zero_ns or self.is_over:
            return None
        return max(0.0, self.started.duration_s - (now_ns - self.zero_ns) / 1e9)
