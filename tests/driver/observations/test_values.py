"""Claims about turning answers into readings: a value is kept whole, or the reading is unknown."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from driver.histories.system_events import MAX_ROWS, VALUE_CHARS, Cell
from driver.observations.reading import ReadingError, ReadingTable
from driver.observations.table_parts import table_parts
from driver.observations.values import cell, number, table, value_of


@pytest.mark.parametrize("value", ["", "x", None, "nan", math.inf, [1]])
def test_what_is_no_finite_number_is_no_number(value: object) -> None:
    with pytest.raises(ReadingError):
        number(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1 << 70, str(1 << 70)),
        (Decimal("12"), 12),
        (Decimal("1.50"), "1.50"),
        (b"a\xff", "a\\xff"),
        ("\ud800", "\\ud800"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (math.nan, "nan"),
        (None, None),
        (True, True),
    ],
)
def test_a_cell_is_kept_as_what_it_is(value: Any, kept: object) -> None:
    assert cell(value) == kept


def test_a_value_too_long_to_be_kept_whole_makes_the_reading_unknown() -> None:
    with pytest.raises(ReadingError, match="4,097 characters"):
        cell("x" * (VALUE_CHARS + 1))


def test_rows_beyond_the_limit_are_not_read() -> None:
    read = 0

    def rows() -> Any:
        nonlocal read
        while True:
            read += 1
            yield [1]

    with pytest.raises(ReadingError, match="more than 200,000 rows"):
        table(["id"], rows())
    assert read == MAX_ROWS + 1


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (3, 3.0),
        (True, 1.0),
        ("12", 12.0),
        (b"7", 7.0),
        ("done", ReadingTable(("value",), [["done"]])),
        (None, ReadingTable(("value",), ())),
        ([], ReadingTable(("value",), [])),
        (["a", 2], ReadingTable(("value",), [["a"], [2]])),
        ({"a": 1}, ReadingTable(("key", "value"), [["a", 1]])),
        ([{"id": 1}, {"id": 2, "x": "y"}], ReadingTable(("id", "x"), [[1, None], [2, "y"]])),
        ([["a", {"b": [b"x", 1]}]], ReadingTable(("column1", "column2"), [["a", '{"b":["x",1]}']])),
        ([["a", 1], ["b", 2]], ReadingTable(("column1", "column2"), [["a", 1], ["b", 2]])),
    ],
)
def test_an_answer_is_a_number_or_a_table(found: object, value: object) -> None:
    assert value_of(found) == value


def test_a_long_table_is_split_and_none_of_its_rows_is_lost() -> None:
    rows: list[list[Cell]] = [[number, "x" * 50] for number in range(100)]
    parts = table_parts(ReadingTable(("id", "text"), rows), part_bytes=1_000)
    assert len(parts) > 1
    assert [row for part in parts for row in part] == rows


def test_an_empty_table_has_one_part() -> None:
    assert table_parts(ReadingTable(("id",), [])) == [[]]


def test_a_table_of_too_many_bytes_is_unknown() -> None:
    with pytest.raises(ReadingError, match="more than 1,000 bytes"):
        table_parts(ReadingTable(("id",), [["x" * 600], ["y" * 600]]), table_bytes=1_000)
