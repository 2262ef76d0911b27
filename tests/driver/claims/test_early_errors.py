"""Errors that are said before the first fault: a column that is not there, and keys that are not unique."""

from __future__ import annotations

from driver.claims import early_errors, parse_claim
from driver.histories.system_events import Operation, Reading
from tests.driver.claims.system_past import SystemPast


def found(past: SystemPast, *sentences: str) -> list[str]:
    """What is wrong with some claims."""
    claims = [claim for one in sentences if (claim := parse_claim(one))]
    assert len(claims) == len(sentences)
    readings = [one for one in past.lines.get("observer", ()) if isinstance(one, Reading)]
    operations = [one for one in past.lines.get("load", ()) if isinstance(one, Operation)]
    return early_errors(claims, readings, operations)


def test_a_column_that_is_not_there_is_named_with_its_claim() -> None:
    past = SystemPast()
    past.table(["idd"], [], 0.5, moment="before")
    (error,) = found(past, "every acknowledged orders.key in stored.id", "no stored.idd twice")
    assert error.startswith("every acknowledged orders.key in stored.id: stored has no column 'id'")
    assert "Did you mean idd?" in error


def test_keys_of_several_operations_are_an_error_where_they_must_be_unique() -> None:
    past = SystemPast()
    past.table(["id"], [], 0.5, moment="before")
    past.operation("k")
    past.operation("k")
    past.operation("k", op="read")
    (error,) = found(past, "every acknowledged orders.key in stored.id", "every stored.id was sent by orders")
    assert "orders.key is not unique" in error


def test_what_is_sound_or_not_yet_known_is_no_error() -> None:
    past = SystemPast()
    past.number("stored", 0.5, 3, "before")
    past.number("queue", 0.5, None, "before")
    past.operation("k")
    assert (
        found(past, "no stored.id twice", "no queue.id twice", "no other.id twice", "always: queue < 5") == []
    )


def test_a_number_is_a_row_where_other_readings_are_tables_of_one_column() -> None:
    past = SystemPast()
    past.operation("17")
    past.table(["id"], [], 0.5, moment="before")
    past.number("stored", 50.0, 17, "after")
    assert past.found("every acknowledged orders.key in stored.id").status == "passed"
    assert past.found("no stored.idd twice").status == "unknown"
    past.number("stored", 55.0, 2.0**60, "after")
    assert "too large to be exact" in past.found("no stored.id twice").because


def test_a_number_alone_has_no_column() -> None:
    past = SystemPast()
    past.operation("17")
    past.number("stored", 50.0, 17, "after")
    found = past.found("every acknowledged orders.key in stored.id")
    assert found.status == "unknown"
    assert "is one number, and has no column 'id'" in found.because


def test_an_answer_of_json_without_rows_lacks_rows_and_no_column() -> None:
    past = SystemPast()
    past.operation("17")
    past.table(["value"], [], 0.5, moment="before")
    assert found(past, "every acknowledged orders.key in stored.id", "no stored.n twice") == []
    past.table(["id", "n"], [["17", 1]], 50.0)
    assert past.found("every acknowledged orders.key in stored.id").status == "passed"
    assert past.found("no stored.idd twice").status == "unknown"


def test_all_rows_of_an_answer_of_json_lost_is_a_failure() -> None:
    past = SystemPast()
    past.operation("17")
    past.table(["id", "n"], [["3", 1]], 0.5, moment="before")
    past.table(["value"], [], 50.0)
    finding = past.found("every acknowledged orders.key in stored.id")
    assert finding.status == "failed"
    empty = SystemPast()
    empty.operation("17")
    empty.table(["value"], [], 0.5, moment="before")
    empty.table(["value"], [], 50.0)
    assert empty.found("every acknowledged orders.key in stored.id").status == "failed"


def test_a_number_beside_an_answer_without_rows_is_a_row_of_the_others() -> None:
    past = SystemPast()
    past.operation("17")
    past.table(["value"], [], 0.5, moment="before")
    past.table(["id"], [["a"], ["b"]], 20.0, moment="during")
    past.number("stored", 50.0, 17, "after")
    assert past.found("every acknowledged orders.key in stored.id").status == "passed"
