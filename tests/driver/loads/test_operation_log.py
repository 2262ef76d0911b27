"""Claims about the record of a load: it is bounded, whole lines decode again, trouble is said at its end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver.histories.journal_kinds import LOAD, reader_of
from driver.histories.system_events import LoadEnded, Operation
from driver.loads.operation_log import OperationLog
from wire.events import Event, Journal


class Lines:
    """A journal of loads in memory."""

    def __init__(self, most: int = 100) -> None:
        self.data = b""
        self.log = OperationLog("votes", Journal(LOAD, self._append, lambda: 7, lambda: 7.0), most)

    def _append(self, line: bytes) -> None:
        self.data += line

    def events(self) -> list[Event]:
        read = reader_of(LOAD).read(LOAD, self.data)
        assert not read.damage
        return list(read.events)

    def add(self, **fields: Any) -> None:
        usual: dict[str, Any] = {
            **{"op": "add", "key": "a-1", "value": 1, "due_ns": 1, "call_ns": 2, "return_ns": 3},
            "outcome": "ok",
        }
        self.log.operation(**usual | fields)


def test_an_operation_is_read_back_as_it_was_written() -> None:
    lines = Lines()
    lines.add(key="a-9", value="x", outcome="unknown", process=3, detail="time-out\nforged")
    (found,) = lines.events()
    assert isinstance(found, Operation)
    assert (found.load, found.key, found.value, found.outcome) == ("votes", "a-9", "x", "unknown")
    assert (found.due_ns, found.call_ns, found.return_ns, found.process) == (1, 2, 3, 3)
    assert found.detail == "time-out forged"


def test_operations_beyond_the_most_are_said_at_the_end_and_not_written() -> None:
    lines = Lines(most=2)
    for _ in range(5):
        lines.add()
    lines.log.end()
    *operations, end = lines.events()
    assert isinstance(end, LoadEnded)
    assert len(operations) == end.operations == 2
    assert end.trouble == "operations beyond 2 were not written (3 times)"


def test_kinds_of_trouble_are_bounded() -> None:
    lines = Lines()
    for number in range(1_000):
        lines.log.trouble(f"line {number}")
    lines.log.end()
    (end,) = lines.events()
    assert isinstance(end, LoadEnded)
    assert end.trouble == "line 0; line 1; line 2; more of other kinds (997 times)"


def test_its_end_is_written_once() -> None:
    lines = Lines()
    lines.log.end()
    lines.log.end()
    assert len(lines.events()) == 1


def test_what_was_not_ok_last_is_kept() -> None:
    lines = Lines()
    lines.add(outcome="fail", detail="404 Not Found")
    lines.add()
    assert lines.log.last_not_ok == "404 Not Found"
    assert lines.log.counts == {"fail": 1, "ok": 1}


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just([1])


@given(
    key=st.text(max_size=600),
    op=st.text(max_size=80),
    value=anything,
    detail=st.text(max_size=500),
    outcome=st.sampled_from(["ok", "fail", "unknown", "OK", ""]),
)
def test_every_operation_is_refused_or_decodes_again(
    key: str, op: str, value: Any, detail: str, outcome: str
) -> None:
    lines = Lines()
    try:
        lines.add(key=key, op=op, value=value, detail=detail, outcome=outcome)
    except ValueError:
        assert lines.data == b""
    else:
        (found,) = lines.events()
        assert isinstance(found, Operation)
        assert (found.key, found.op, found.value) == (key, op, value)
    with pytest.raises(ValueError, match="lone surrogate"):
        lines.add(key="\ud800")
