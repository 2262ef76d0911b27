"""Claims about what a load's command prints: any bytes become operations or counted bad lines, bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver.histories.journal_kinds import LOAD
from driver.loads.operation_lines import MOST_LINE_BYTES, BadLineError, LineSplitter, reported
from driver.loads.operation_log import OperationLog
from wire.events import Journal

BEGIN_NS, NOW_NS = 10_000_000_000, 20_000_000_000
USUAL = {"op": "add", "key": "k", "call_ns": BEGIN_NS + 5, "return_ns": BEGIN_NS + 9, "outcome": "ok"}


def read(**fields: Any) -> Any:
    return reported(json.dumps(USUAL | fields).encode(), BEGIN_NS, NOW_NS)


def test_an_operation_has_what_its_line_says() -> None:
    found = read(value=3, process=2, detail="x", due_ns=BEGIN_NS + 1, more="ignored")
    assert (found.key, found.value, found.process, found.due_ns) == ("k", 3, 2, BEGIN_NS + 1)


def test_an_empty_line_is_none() -> None:
    assert reported(b"  ", BEGIN_NS, NOW_NS) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"op": None},
        {"key": None},
        {"key": 1.5},
        {"value": []},
        {"value": {}},
        {"process": -1},
        {"process": 2_000_000},
        {"call_ns": "1"},
        {"call_ns": BEGIN_NS + 10},
        {"return_ns": NOW_NS + 1},
        {"call_ns": 1, "return_ns": 2},
        {"call_ns": 1_790_000_000_000_000_000, "return_ns": 1_790_000_000_000_000_001},
        {"due_ns": BEGIN_NS + 6},
    ],
)
def test_a_line_with_a_wrong_field_is_no_operation(fields: dict[str, Any]) -> None:
    with pytest.raises(BadLineError, match=r"a line is no operation|instants of a line"):
        read(**fields)


@given(st.lists(st.binary(max_size=30)), st.integers(1, 40))
def test_lines_are_those_between_line_ends_wherever_the_bytes_are_cut(
    pieces: Sequence[bytes], most: int
) -> None:
    whole = b"".join(pieces)
    splitter = LineSplitter(most)
    found = [line for piece in pieces for line in splitter.feed(piece)] + list(splitter.end())
    *ended, rest = whole.split(b"\n")
    lines = [*ended, *([rest] if rest else [])]
    assert found == [line if len(line) <= most else None for line in lines]


def test_a_line_without_an_end_is_not_kept() -> None:
    splitter = LineSplitter()
    for _ in range(200):
        assert not list(splitter.feed(b"x" * 65_536))
    assert list(splitter.feed(b"\n")) == [None]
    with pytest.raises(BadLineError, match=f"a line is longer than {MOST_LINE_BYTES} bytes"):
        reported(None, BEGIN_NS, NOW_NS)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
lines = st.binary(max_size=60) | st.builds(
    lambda fields: json.dumps(USUAL | fields).encode(),
    st.dictionaries(st.sampled_from([*USUAL, "value", "process", "due_ns", "detail"]), values, max_size=3),
)


@given(lines)
def test_any_line_is_an_operation_that_the_log_takes_or_a_value_error(line: bytes) -> None:
    written: list[bytes] = []
    log = OperationLog("a", Journal(LOAD, written.append, lambda: 1, lambda: 1.0), 10)
    try:
        found = reported(line, BEGIN_NS, NOW_NS)
        if found is not None:
            log.operation(
                op=found.op,
                key=str(found.key),
                value=found.value,
                due_ns=found.due_ns,
                call_ns=found.call_ns,
                return_ns=found.return_ns,
                outcome=found.outcome,
                process=found.process,
                detail=found.detail,
            )
    except ValueError:
        assert not written
    else:
        assert len(written) == (1 if line.strip() else 0)
