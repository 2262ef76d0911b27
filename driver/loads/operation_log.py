"""Writes the operations of one load, bounded, and counts them by outcome."""

from __future__ import annotations

import math
from collections import Counter, deque

from driver.histories.system_events import FAIL, KEY_CHARS, OK, UNKNOWN, VALUE_CHARS, LoadEnded, Operation
from driver.visible import one_line
from wire.events import Journal
from wire.limits import cut

OUTCOMES = (OK, FAIL, UNKNOWN)
MOST_OPERATIONS = 1_000_000
"""Of one load. Further ones are not written, and the load's end says so."""
LATELY = 1_000
"""Keys of ok operations that other loads may read."""
OP_CHARS = 64
DETAIL_CHARS = 300
_INTEGER_BITS = 63

Scalar = str | int | float | bool | None


class OperationLog:
    """The operations of one load, for one thread. `write` is the journal of loads, `recorded_as` the name of
    the load that they have there, by default its own.
    """

    def __init__(self, load: str, write: Journal, most: int, recorded_as: str = "") -> None:
        self._load = load
        self._recorded_as = recorded_as or load
        self._write = write
        self._most = most
        self._troubles: Counter[str] = Counter()
        self._has_ended = False
        self.has_refused = False
        """Whether there were more operations than are written."""
        self.counts: Counter[str] = Counter()
        self.lately_written: deque[str] = deque(maxlen=LATELY)
        self.last_not_ok = ""
        """What came back from the last operation that was not ok."""

    @property
    def written(self) -> int:
        """The number of operations so far."""
        return self.counts.total()

    def operation(
        self,
        *,
        op: str,
        key: str,
        value: Scalar,
        due_ns: int,
        call_ns: int,
        return_ns: int,
        outcome: str,
        process: int = 0,
        detail: str = "",
    ) -> None:
        """Write one operation, whose fields are those of Operation.

        Raises ValueError for fields that the journal does not take: it writes none of them cut, since a cut
        key is another key.
        """
        if self.written >= self._most:
            self.has_refused = True
            self.trouble(f"operations beyond {self._most} were not written")
            return
        at_ns, wall_s = self._write.now()
        made = Operation(
            at_ns=at_ns,
            wall_s=wall_s,
            by=self._write.by,
            load=self._recorded_as,
            op=_text("op", op, OP_CHARS),
            key=_text("key", key, KEY_CHARS),
            value=scalar(value),
            due_ns=due_ns,
            call_ns=call_ns,
            return_ns=return_ns,
            outcome=_outcome(outcome),
            process=process,
            detail=cut(one_line(detail), DETAIL_CHARS),
        )
        self.counts[made.outcome] += 1
        if made.outcome == OK:
            self.lately_written.append(made.key)
        else:
            self.last_not_ok = made.detail
        self._write.append(made)

    def trouble(self, what: str) -> None:
        """Note why the operations are not whole; the load's end says each reason once, with how often."""
        what = cut(one_line(what), DETAIL_CHARS)
        if what in self._troubles or len(self._troubles) < len(OUTCOMES):
            self._troubles[what] += 1
        else:
            self._troubles["more of other kinds"] += 1

    def end(self) -> None:
        """Write that the load has ended, once."""
        if not self._has_ended:
            self._has_ended = True
            each = [
                f"{what} ({times} times)" if times > 1 else what for what, times in self._troubles.items()
            ]
            self._write(LoadEnded, load=self._load, operations=self.written, trouble="; ".join(each))


def scalar(value: object) -> Scalar:
    """Return a value as a journal holds it. Raises ValueError for one that is none of text, number and truth
    value, or too long.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text("value", value, VALUE_CHARS)
    if isinstance(value, int) and value.bit_length() <= _INTEGER_BITS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError(
        f"expected a text, a number of 64 bits, true, false or null; found {type(value).__name__}"
    )


def _text(field: str, text: str, most: int) -> str:
    if len(text) > most:
        raise ValueError(f"expected {field} of at most {most} characters; found {len(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"expected {field} of Unicode text; found a lone surrogate") from None
    return text


def _outcome(text: str) -> str:
    if text not in OUTCOMES:
        raise ValueError(f"expected an outcome among {', '.join(OUTCOMES)}; found {text[:40]!r}")
    return text
