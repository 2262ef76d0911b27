"""Runs of a foreign system made by hand: operations of loads, readings of observations, faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from driver.checks.finding import Finding
from driver.claims import judge_claim, parse_claim
from driver.histories import events as driver
from driver.histories.history import History, JournalRead
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.system_events import Cell, Operation, Reading
from tests.driver.judge.findings import contradiction
from wire.events import Event

E = TypeVar("E", bound=Event)
BASE_NS = 10_000_000_000


def ns(at_s: float) -> int:
    """The monotonic nanosecond of a second of the run."""
    return BASE_NS + round(at_s * 1e9)


class SystemPast:
    """The journals of a run; times are seconds since its begin."""

    def __init__(self, end_s: float = 60.0) -> None:
        self.lines: dict[str, list[Event]] = {}
        self._emit("driver", driver.PhaseBegun, 0.0, phase="timeline", zero_ns=ns(0))
        self._emit("driver", driver.PhaseBegun, end_s, phase="collect")

    def _emit(self, by: str, kind: type[E], at_s: float, /, **fields: object) -> E:
        event = kind(at_ns=ns(at_s), wall_s=1.7e9 + at_s, by=by, **fields)
        self.lines.setdefault(by, []).append(event)
        return event

    def operation(
        self,
        key: str,
        outcome: str = "ok",
        at_s: float = 1.0,
        *,
        load: str = "orders",
        op: str = "add",
        value: Cell = None,
        took_s: float = 0.01,
        process: int = 0,
    ) -> Operation:
        """One operation of a load."""
        return self._emit(
            LOAD, Operation, at_s + took_s, load=load, op=op, key=key, value=value, due_ns=ns(at_s),
            call_ns=ns(at_s), return_ns=ns(at_s + took_s), outcome=outcome, process=process,
        )  # fmt: skip

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        at_s: float = 50.0,
        *,
        name: str = "stored",
        moment: str = "after",
        part: int = 1,
        parts: int = 1,
    ) -> Reading:
        """One reading that is a table, or a part of one."""
        return self._emit(
            OBSERVER, Reading, at_s + 0.01, name=name, moment=moment, asked_ns=ns(at_s),
            columns=list(columns), rows=[list(row) for row in rows], part=part, parts=parts,
        )  # fmt: skip

    def ids(self, *ids: Cell, at_s: float = 50.0, moment: str = "after") -> Reading:
        """A reading of `stored` with one column, `id`."""
        return self.table(["id"], [[one] for one in ids], at_s, moment=moment)

    def number(
        self, name: str, at_s: float, number: float | None, moment: str = "during", took_s: float = 0.01
    ) -> Reading:
        """One reading that is a number; None for one that failed."""
        return self._emit(
            OBSERVER, Reading, at_s + took_s, name=name, moment=moment, asked_ns=ns(at_s), number=number,
            unknown="" if number is not None else "connection refused",
        )  # fmt: skip

    def fault(self, fault: str, kind: str, at_s: float, for_s: float) -> None:
        """One fault, from its begin to its end."""
        named = {"fault": fault, "kind": kind, "targets": ["web->db"]}
        self._emit("driver", driver.FaultBegun, at_s, planned_ns=ns(at_s), params=msgspec.Raw(b"{}"), **named)
        self._emit("driver", driver.FaultEnded, at_s + for_s, planned_ns=ns(at_s + for_s), **named)

    def history(self) -> History:
        """The history in memory."""
        journals = {}
        for name, lines in self.lines.items():
            ordered = sorted(lines, key=lambda event: event.at_ns)
            journals[name] = JournalRead.of(name, ordered)
        return History(journals)

    def found(self, sentence: str) -> Finding:
        """What a claim finds here. It never contradicts itself, and is bounded."""
        claim = parse_claim(sentence)
        assert claim is not None, f"no claim: {sentence}"
        finding = judge_claim(claim, self.history())
        assert "itself raised" not in finding.because, finding.because
        assert contradiction(finding) == ""
        assert len(finding.because) < 2_000
        assert len(finding.evidence) <= 5
        assert all(len(one.text) < 2_000 for one in finding.evidence)
        return finding
