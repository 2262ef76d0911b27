"""A queue delivers each message at least once, at most once, or exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from driver.checks.finding import SHOWN, Finding, passed, unknown, violated
from driver.claims.cells import key_of, listed
from driver.claims.claim import Claim, Field, Names
from driver.claims.evidence import evidence_of
from driver.claims.operations import (
    DEQUEUES,
    ENQUEUES,
    is_ok,
    is_open,
    of_load,
    op_of,
    other_ops,
    repeated_keys,
    sent_by,
)
from driver.claims.readings import final_cells, keys_before, sent_again
from driver.claims.sentences import column, load_named
from driver.histories.history import History
from driver.histories.system_events import FAIL, Operation
from driver.nouns import counted

LEAST, MOST, EXACTLY = "at least once", "at most once", "exactly once"
_FORMS = tuple(f"queue LOAD {how}" for how in (LEAST, MOST, EXACTLY))


@dataclass
class Deliveries:
    """The messages of a queue and how often each was delivered. `open_ones` are dequeues whose message is
    unknown: each may have taken one. `undrained` says why a message that was not delivered may still be in
    the queue ("" where it cannot be).
    """

    sent: dict[str, Operation]
    counts: Counter[str] = field(default_factory=Counter)
    maybe: set[str] = field(default_factory=set)
    open_ones: int = 0
    undrained: str = ""
    early: list[str] = field(default_factory=list)

    def lost(self) -> list[str]:
        """Return the acknowledged messages that no dequeue returned."""
        return [
            key
            for key, one in self.sent.items()
            if is_ok(one) and not self.counts[key] and key not in self.maybe
        ]

    def doubled(self) -> list[str]:
        """Return the messages that were delivered more than once."""
        return [key for key, count in self.counts.items() if count > 1]

    def alien(self) -> list[str]:
        """Return delivered messages that were never sent, were refused, or were delivered before."""
        bad = [key for key in self.counts if key not in self.sent or self.sent[key].outcome == FAIL]
        return list(dict.fromkeys([*bad, *self.early]))


@dataclass(frozen=True)
class Queue(Claim):
    """`how` often each message of a load is delivered: to its dequeues, or into the column `into`."""

    name: ClassVar = "queue"
    forms: ClassVar = (*_FORMS, *(f"{form} in OBSERVATION.COLUMN" for form in _FORMS))
    example: ClassVar = "queue jobs exactly once"
    means: ClassVar = (
        "The key of an operation is its message. At least once: each message whose enqueue was "
        "acknowledged is delivered. At most once: none is delivered twice. Exactly once: both. Delivered is "
        "what a dequeue of the load returned, or what is in the column of the final reading. Enqueues are "
        "`enqueue`, `send`, `push`, `publish`; dequeues `dequeue`, `receive`, `pop`, `consume`. A dequeue "
        "without a key found the queue empty; without such a one after the last enqueue, what was not "
        "delivered may still be in the queue, and is unknown. What an unknown dequeue returned is neither "
        "lost nor delivered twice. Where a message was in the column before it was sent, the finding "
        "is unknown."
    )
    fails: ClassVar = (
        "a message is lost (at least, exactly), delivered twice (at most, exactly), or was delivered and "
        "never sent, refused, or sent later (all three)"
    )
    rank: ClassVar = 80
    broken_by: ClassVar = ("operation_claimed", "row_forgotten", "row_repeated")
    unique: ClassVar = True

    load: str
    how: str
    into: Field | None = None

    @classmethod
    def of(cls, text: str, form: str, bound: Sequence[str], names: Names | None) -> Self:
        how = next(one for one in (LEAST, MOST, EXACTLY) if one in form)
        return cls(text, load_named(bound[0], names), how, column(bound[1], names) if bound[1:] else None)

    @property
    def own_loads(self) -> tuple[str, ...]:
        return (self.load,)

    @property
    def own_fields(self) -> tuple[Field, ...]:
        return (Field(self.load, "key"), *([self.into] if self.into else []))

    def judge(self, history: History) -> Finding:
        operations = of_load(history, self.load)
        known = ENQUEUES | DEQUEUES
        if self.into is None and (other := other_ops(operations, known)):
            return unknown(self.text, f"{self.load} has operations that are no enqueue or dequeue: {other}")
        sends = sent_by(history, self.load)
        if repeated := repeated_keys(sends, Field(self.load, "key")):
            return unknown(self.text, repeated)
        sent = {one.key: one for one in sends}
        found = Deliveries(sent)
        if self.into is None:
            _from_dequeues(found, operations)
        elif trouble := _from_rows(found, history, self.into):
            return unknown(self.text, trouble)
        return self._against(history, found)

    def _against(self, history: History, found: Deliveries) -> Finding:
        lost = found.lost() if self.how != MOST else []
        doubled = found.doubled() if self.how != LEAST else []
        alien = found.alien()
        is_lost = len(lost) > found.open_ones and not found.undrained
        wrong = len(doubled) + len(alien) + (len(lost) - found.open_ones if is_lost else 0)
        words = [f"{len(lost):,} acknowledged and not delivered: {listed(lost)}"] if lost else []
        words += [f"{len(doubled):,} delivered more than once: {listed(doubled)}"] if doubled else []
        words += [
            f"{len(alien):,} delivered and never sent, refused, or sent later: {listed(alien)}"
        ] if alien else []  # fmt: skip
        count = f"of {counted(len(found.sent), 'message')} {len(found.counts):,} were delivered"
        because = "; ".join([count, *words])
        if wrong:
            worst = [found.sent[key] for key in (*doubled, *alien, *lost) if key in found.sent]
            return violated(self.text, because, wrong, evidence_of(history, worst)[:SHOWN])
        if lost:
            why = found.undrained or (
                f"{counted(found.open_ones, 'dequeue')} with an unknown message may have taken them"
            )
            return unknown(self.text, f"{because}; but {why}")
        if not any(map(is_ok, found.sent.values())):
            return unknown(self.text, f"{because}; no enqueue was acknowledged: nothing was tested")
        if self.how == MOST and not found.counts:
            return unknown(self.text, f"{because}: nothing was tested")
        if all(key in found.maybe and not found.counts[key] for key, one in found.sent.items() if is_ok(one)):
            return unknown(self.text, f"{because}; whether the others were is unknown: nothing was tested")
        return passed(self.text, because, measured=0, threshold=0, margin=0)


def _from_dequeues(found: Deliveries, operations: Sequence[Operation]) -> None:
    """Count what dequeues returned. A dequeue that was refused took nothing."""
    dequeues = [one for one in operations if op_of(one) in DEQUEUES]
    for one in dequeues:
        if is_open(one):
            found.maybe |= {one.key} - {""}
            found.open_ones += one.key == ""
        elif is_ok(one) and one.key:
            found.counts[one.key] += 1
            if one.key in found.sent and one.return_ns < found.sent[one.key].call_ns:
                found.early.append(one.key)
    last_ns = max((one.return_ns for one in found.sent.values() if is_ok(one)), default=0)
    if not any(is_ok(one) and not one.key and one.call_ns >= last_ns for one in dequeues):
        found.undrained = "no dequeue found the queue empty after the last enqueue"


def _from_rows(found: Deliveries, history: History, into: Field) -> str:
    """Count what is in a column. Returns why its final reading is unknown; "" where it is known."""
    table, cells, trouble = final_cells(history, into)
    if table is None or trouble:
        return trouble
    if old := sent_again(history, list(found.sent.values()), Field("", "key"), into):
        return old
    before = keys_before(history, into)
    keys = [key for cell in cells if (key := key_of(cell)) is not None]
    found.counts.update(key for key in keys if key in found.sent or key not in before)
    late = {key for key, one in found.sent.items() if is_ok(one) and one.return_ns > table.asked_ns}
    found.maybe |= late
    return ""
