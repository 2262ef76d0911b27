"""The curves of a lab, a point a second from its first event on; coarser when they get long. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

RATES = ("attempts", "tasks")
GAUGES = (
    *("connected", "waiting", "assigned"),
    *("reconnection_p50", "reconnection_p99", "latency_p50", "latency_p99"),
    *("memory_workers", "memory_coordinator", "cpu_workers", "cpu_coordinator"),
)
MAX_POINTS = 3600
"""Beyond, each two points become one."""
_SECOND_NS = 1_000_000_000

Point = Mapping[str, float | None]


class TimeSeries:
    """Columns of equal length. `t` is in whole seconds (Unix time)."""

    def __init__(self) -> None:
        self.columns: dict[str, list[float | None]] = {name: [] for name in ("t", *RATES, *GAUGES)}
        self.step_s = 1
        self.times_thinned = 0
        """How often the step was doubled: a copy of the columns from before is no longer valid."""
        self._seconds: dict[float, Point] = {}

    def put(self, t: float, point: Point) -> None:
        """Append the point of the second `t`; a point of the same step is replaced."""
        at = t - t % self.step_s
        times = self.columns["t"]
        if times and times[-1] == at:
            self._fold(t, point)
            return
        times.append(at)
        self._seconds = {t: point}
        for name in (*RATES, *GAUGES):
            self.columns[name].append(point.get(name))
        if len(times) > MAX_POINTS:
            self._thin()

    def since(self, t: float) -> dict[str, list[float | None]]:
        """Return the columns from the time `t` on."""
        times = self.columns["t"]
        first = len(times)
        while first and (times[first - 1] or 0) >= t:
            first -= 1
        return {name: column[first:] for name, column in self.columns.items()}

    def _fold(self, t: float, point: Point) -> None:
        self._seconds[t] = point
        for name in RATES:
            rates = [second.get(name) or 0 for second in self._seconds.values()]
            self.columns[name][-1] = sum(rates) / len(rates)
        for name in GAUGES:
            self.columns[name][-1] = point.get(name)

    def _thin(self) -> None:
        """Halve the number of points: of a pair rates become the mean, gauges the later value."""
        for name, column in self.columns.items():
            pairs = [column[i : i + 2] for i in range(0, len(column), 2)]
            if name == "t":
                self.columns[name] = [pair[0] for pair in pairs]
            elif name in RATES:
                self.columns[name] = [sum(one or 0 for one in pair) / len(pair) for pair in pairs]
            else:
                self.columns[name] = [pair[-1] for pair in pairs]
        self.step_s *= 2
        self.times_thinned += 1


class SecondSampler:
    """Puts a point into a series for each second. `gauges` returns their values at a monotonic time (ns)."""

    def __init__(self, gauges: Callable[[int], Point]) -> None:
        self.series = TimeSeries()
        self._gauges = gauges
        self._second = 0
        self._counts = dict.fromkeys(RATES, 0)

    def count(self, rate: str) -> None:
        """Count one more of a rate in the present second."""
        self._counts[rate] += 1

    def advance(self, at_ns: int, wall_s: float) -> None:
        """Go on to the time of the next event; earlier seconds get their points."""
        second = at_ns // _SECOND_NS
        if self._second and second > self._second:
            self._close(second, at_ns, wall_s)
        self._second = max(second, self._second)

    def tick(self, at_ns: int, wall_s: float) -> None:
        """Renew the point of the present second, also where there is no event."""
        if self._second and at_ns // _SECOND_NS >= self._second:
            self._close(at_ns // _SECOND_NS, at_ns, wall_s)

    def _close(self, second: int, at_ns: int, wall_s: float) -> None:
        """Put the point of the present second at its end; begin `second` where it is a later one."""
        end_s = float(int(wall_s - (at_ns - (self._second + 1) * _SECOND_NS) / 1e9))
        self.series.put(end_s, self._point(at_ns))
        if second > self._second:
            without_event = second - self._second - 1
            self._second = second
            self._counts = dict.fromkeys(RATES, 0)
            if without_event > 0:
                # The curves stay level over seconds without an event.
                self.series.put(end_s + 1, self._point(at_ns))
                self.series.put(end_s + without_event, self._point(at_ns))

    def _point(self, at_ns: int) -> Point:
        return {**self._counts, **self._gauges(at_ns)}
