"""A history as raw lines, and the timeline of its run: the base of the second judge.

The second judge is slow and plain on purpose: every metric and check is written once more by its formula in
docs/metrics.md. It shares no code with driver/, and reads nothing but lines as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Line = dict[str, Any]
Span = tuple[int, int]
S = 1_000_000_000
BESIDE_NS = S // 2
"""An effect may be written down so long before the driver has written that its fault began."""


@dataclass
class Fault:
    """One fault. `ended_ns` None: nothing says that it ended."""

    begun: Line
    due_ns: int
    began_ns: int
    ended_ns: int | None
    receipt: Line | None

    def is_aimed_at(self, process: str) -> bool:
        return process in self.begun["targets"]


class Raw:
    """All lines of a run: by process as they were written, and by kind in order of time."""

    def __init__(
        self, journals: Mapping[str, Sequence[Line]], workers: Sequence[str], expected: Sequence[str]
    ) -> None:
        self.journals = journals
        self.workers = list(workers)
        self.expected = list(expected)
        self.all = [line for name in sorted(journals) for line in journals[name]]
        self.all.sort(key=lambda line: int(line["at_ns"]))
        self._of: dict[tuple[str, ...], list[Line]] = {}
        self.phases = self._phases()
        self.end_ns = self._end_ns()
        self.faults = [self._fault(begun) for begun in self.of("fault_begun")]

    def of(self, *kinds: str) -> list[Line]:
        """All lines of some kinds in order of time; at one instant in the order of `kinds`."""
        if kinds not in self._of:
            chosen = [line for line in self.all if line["event"] in kinds]
            self._of[kinds] = sorted(chosen, key=lambda e: (e["at_ns"], kinds.index(e["event"])))
        return self._of[kinds]

    def zero_ns(self) -> int:
        """From when the scenario counts: as the driver says, or the gate's begin, or the first line."""
        given = [line["zero_ns"] for line in self.of("phase_begun") if line.get("zero_ns")]
        if given:
            return int(given[-1])
        if "gate" in self.phases:
            return int(self.phases["gate"][0])
        return int(self.all[0]["at_ns"]) if self.all else 0

    def measured_until_ns(self) -> int | None:
        """Until when tasks that are due are measured; None: all are."""
        given = [line.get("measured_s") for line in self.of("run_started")][:1]
        return None if given in ([], [None]) else self.zero_ns() + round(float(given[0] or 0) * S)

    def by(self, process: str) -> Sequence[Line]:
        return self.journals.get(process, ())

    def until_end(self, kind: str) -> list[Line]:
        """The lines of a kind that were written until the drain was over."""
        return [line for line in self.of(kind) if line["at_ns"] <= self.end_ns]

    def reaching(self, worker: str) -> list[Fault]:
        """The faults that a worker's connection is under: its own, and those of what all share."""
        return [
            fault
            for fault in self.faults
            if any(target == worker or target not in self.workers for target in fault.begun["targets"])
        ]

    def fault_spans(self) -> list[Span]:
        """The time under at least one fault."""
        return merged([(fault.due_ns, fault.ended_ns or self.end_ns) for fault in self.faults])

    def heals(self) -> list[int]:
        """The moments from which no fault was on any more."""
        ends = [fault.ended_ns for fault in self.faults]
        return [end for _, end in self.fault_spans() if end in ends]

    def first_load_ns(self) -> int | None:
        return min(
            (line["at_ns"] for line in self.of("tasks_accepted", "submitted", "operation")), default=None
        )

    def next_fault_ns(self, at_ns: int) -> int:
        """The next fault's begin after an instant, or the end."""
        return min([self.end_ns, *(fault.due_ns for fault in self.faults if fault.due_ns > at_ns)])

    def _phases(self) -> dict[str, tuple[int, int | None, str]]:
        phases: dict[str, tuple[int, int | None, str]] = {}
        for begun in self.of("phase_begun"):
            ends = [line for line in self.of("phase_ended") if line["phase"] == begun["phase"]]
            if ends and ends[-1]["at_ns"] >= begun["at_ns"]:
                phases[begun["phase"]] = (begun["at_ns"], ends[-1]["at_ns"], ends[-1]["outcome"])
            else:
                phases[begun["phase"]] = (begun["at_ns"], None, "")
        return phases

    def _end_ns(self) -> int:
        drain_end_ns = self.phases["drain"][1] if "drain" in self.phases else None
        if drain_end_ns is not None:
            return drain_end_ns
        if "collect" in self.phases:
            return self.phases["collect"][0]
        return max((int(line["at_ns"]) for line in self.all), default=0)

    def _fault(self, begun: Line) -> Fault:
        began_ns = begun["at_ns"] - int(begun.get("spread_ms", 0) * 1e6)
        own = [line for line in self.of("fault_ended") if line["fault"] == begun["fault"]]
        own = [line for line in own if not line.get("detail")]
        heals = [line for line in self.of("healed") if not line["left"] and line["at_ns"] >= begun["at_ns"]]
        receipts = [line for line in self.of("receipt") if line["fault"] == begun["fault"]]
        ended_ns = own[-1]["at_ns"] if own else heals[0]["at_ns"] if heals else None
        due_ns = min(begun["planned_ns"], began_ns) or began_ns
        return Fault(begun, due_ns, began_ns, ended_ns, receipts[-1] if receipts else None)


def merged(spans: list[Span]) -> list[Span]:
    """The same time, in order, without overlaps."""
    whole: list[Span] = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((begin, end))
    return whole


def both(ones: list[Span], others: list[Span]) -> list[Span]:
    """The time in both."""
    return merged([(max(a, c), min(b, d)) for a, b in ones for c, d in others])


def only(ones: list[Span], others: list[Span]) -> list[Span]:
    """The time in `ones` and not in `others`, cut at every edge there is."""
    edges = sorted({edge for span in (*ones, *others) for edge in span})
    pieces = list(pairwise(edges))
    return merged([p for p in pieces if is_in(p[0], ones) and not is_in(p[0], others)])


def is_in(at_ns: int, spans: list[Span]) -> bool:
    return any(begin <= at_ns < end for begin, end in spans)
