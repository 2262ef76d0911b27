"""Each process reads what it wrote itself, or something newer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from driver.checks.finding import Finding, passed, unknown, violated
from driver.claims.cells import key_of, shown
from driver.claims.evidence import evidence_of, fault_clause
from driver.claims.operations import READS, WRITES, is_ok, is_open, op_of
from driver.claims.reads_and_writes import ReadsAndWrites
from driver.histories.history import History
from driver.histories.system_events import Operation
from driver.nouns import counted


@dataclass(frozen=True)
class OwnWrites(ReadsAndWrites):
    """A read of a process returns its own newest acknowledged write of that key, or one that may be newer."""

    name: ClassVar = "own_writes"
    forms: ClassVar = ("reads of LOAD see own writes",)
    example: ClassVar = "reads of kv see own writes"
    means: ClassVar = (
        "An acknowledged read that was called after an acknowledged write of the same process and key "
        "returned that write's value, or the value of a write that may be newer: one that ended after that "
        "write was called, or is unknown. Reads are `read`, `get`; writes `write`, `set`, `put`, `post`. "
        "Where no write, or no acknowledged read, has a value the finding is unknown."
    )
    fails: ClassVar = "a read returned what was older, was refused, or was never written"
    rank: ClassVar = 50
    broken_by: ClassVar = ("operation_claimed",)

    def judge_keys(self, history: History, by_key: Mapping[str, list[Operation]]) -> Finding:
        judged, stale = 0, []
        for of_key in by_key.values():
            writes = [one for one in of_key if op_of(one) in WRITES and (is_ok(one) or is_open(one))]
            for read in (one for one in of_key if op_of(one) in READS and is_ok(one)):
                own = _newest_own(read, writes)
                if own is not None:
                    judged += 1
                    if not _may_return(read, writes, own):
                        stale.append((read, own))
        if not judged:
            because = f"no acknowledged read of {self.load} followed an own write: nothing was tested"
            return unknown(self.text, because)
        if not stale:
            because = f"{counted(judged, 'read')} of {self.load} returned the own write or a newer one"
            return passed(self.text, because, measured=0, threshold=0, margin=0)
        stale.sort(key=lambda pair: pair[0].call_ns)
        read, own = stale[0]
        because = (
            f"{len(stale):,} of {counted(judged, 'read')} did not return the own write: process "
            f"{read.process} wrote {shown(key_of(own.value))} to {shown(own.key)} and then read "
            f"{shown(key_of(read.value))}, {fault_clause(history, read)}"
        )
        return violated(self.text, because, len(stale), evidence_of(history, [own, read]))


def _newest_own(read: Operation, writes: Sequence[Operation]) -> Operation | None:
    """Return the newest acknowledged write of the reader's process that ended before the read was called."""
    own = [
        one for one in writes if one.process == read.process and is_ok(one) and one.return_ns <= read.call_ns
    ]
    return max(own, key=lambda one: one.call_ns, default=None)


def _may_return(read: Operation, writes: Sequence[Operation], own: Operation) -> bool:
    """Whether a write of the value that was read may be the newest one by then."""
    value = key_of(read.value)
    return any(
        key_of(one.value) == value
        and one.call_ns <= read.return_ns
        and (is_open(one) or one.return_ns > own.call_ns or one.call_ns >= own.call_ns)
        for one in writes
    )
