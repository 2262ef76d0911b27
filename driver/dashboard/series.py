"""The curves of a lab, a point a second from its first event on; coarser when that gets long. Pure."""

from __future__ import annotations

from collections.abc import Mapping

RATES = ("attempts", "tasks")
GAUGES = (
    *(
        "connected",
        "waiting",
        "assigned",
        "reconnection_p50",
        "reconnection_p99",
        "latency_p50",
        "latency_p99",
    ),
    *("memory_workers", "memory_coordinator", "cpu_workers", "cpu_coordinator"),
)
LONGEST = 3600
"""Points at most; beyond, two become one."""

Point = Mapping[str, float | None]


class Series:
    """Columns of equal length. `t` is in whole seconds (Unix time)."""

    def __init__(self) -> None:
        self.columns: dict[str, list[float | None]] = {name: [] for name in ("t", *RATES, *GAUGES)}
        self._seconds: dict[float, Point] = {}
        self.step_s = 1
        self.thinned = 0
        """How often two points were made one: whoever holds a copy must take it anew."""

    def put(self, t: float, point: Point) -> None:
        """The point of an instant; it replaces one of the same step."""
        at = t - t % self.step_s
        times = self.columns["t"]
        if times and times[-1] == at:
            self._fold(t, point)
            return
        times.append(at)
        self._seconds = {t: point}
        for name in (*RATES, *GAUGES):
            self.columns[name].append(point.get(name))
        if len(times) > LONGEST:
            self._thin()

    def tail(self, since: float) -> dict[str, list[float | None]]:
        """The points from `since` on."""
        times = self.columns["t"]
        first = len(times)
        while first and (times[first - 1] or 0) >= since:
            first -= 1
        return {name: column[first:] for name, column in self.columns.items()}

    def _fold(self, t: float, point: Point) -> None:
        self._seconds[t] = point
        for name in RATES:
            told = [second.get(name) or 0 for second in self._seconds.values()]
            self.columns[name][-1] = sum(told) / len(told)
        for name in GAUGES:
            self.columns[name][-1] = point.get(name)

    def _thin(self) -> None:
        """Rates become the mean of two seconds, gauges the later of them."""
        for name, column in self.columns.items():
            pairs = [column[i : i + 2] for i in range(0, len(column), 2)]
            if name == "t":
                self.columns[name] = [pair[0] for pair in pairs]
            elif name in RATES:
                self.columns[name] = [sum(one or 0 for one in pair) / len(pair) for pair in pairs]
            else:
                self.columns[name] = [pair[-1] for pair in pairs]
        self.step_s *= 2
        self.thinned += 1
