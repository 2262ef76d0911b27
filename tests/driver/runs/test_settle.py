"""Claims about the end of a run's wait: nothing observed changes, and no expectation is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.histories.driver_journal import DriverJournal
from driver.histories.journal_kinds import LOAD, OBSERVER
from driver.histories.journals import JOURNALS
from driver.histories.system_events import Operation, Reading
from driver.observations.observer import Taken
from driver.runs.settle import UnchangedReadings, open_in
from driver.scenarios.thresholds import parse_expectations

EVERY = "every acknowledged orders.key in stored.id"
TWICE = "no stored.id twice"
LATER_NS = 1_000


def table(*keys: str) -> dict[str, Taken]:
    return {"stored": [(("id",), [[key] for key in keys])]}


def open_ones(folder: Path, expect: list[str], values: dict[str, Taken]) -> list[str]:
    """What is undecided in a run whose load had `a` and `b` acknowledged."""
    observer, load = DriverJournal(folder / JOURNALS, OBSERVER), DriverJournal(folder / JOURNALS, LOAD)
    observer.write(Reading, name="stored", moment="before", asked_ns=1, columns=["id"])
    for key in "ab":
        load.write(
            Operation, load="orders", op="add", key=key, value=None, due_ns=1, call_ns=1, return_ns=2,
            outcome="ok",
        )  # fmt: skip
    observer.close()
    load.close()
    return open_in(folder, parse_expectations(expect, on_system=True), values, LATER_NS)


def test_an_acknowledged_key_that_is_not_there_may_still_come(tmp_path: Path) -> None:
    assert open_ones(tmp_path, [EVERY, TWICE], table("a")) == [EVERY]


def test_what_holds_is_decided(tmp_path: Path) -> None:
    assert open_ones(tmp_path, [EVERY, TWICE], table("a", "b")) == []


def test_a_key_that_is_there_twice_stays_so(tmp_path: Path) -> None:
    assert open_ones(tmp_path, [EVERY, TWICE], table("a", "b", "b")) == []


def test_a_reading_that_failed_decides_nothing(tmp_path: Path) -> None:
    assert open_ones(tmp_path, [EVERY, TWICE], {"stored": "no answer"}) == [EVERY, TWICE]


def test_a_number_that_is_too_large_yet_is_open(tmp_path: Path) -> None:
    assert open_ones(tmp_path, ["queue_last == 0"], {"queue": 3.0}) == ["queue_last == 0"]
    assert open_ones(tmp_path, ["queue_last == 0"], {"queue": 0.0}) == []


def test_a_check_waits_for_no_reading(tmp_path: Path) -> None:
    assert open_ones(tmp_path, ["faults_were_proved", "ok_share >= 99%"], table()) == []


def test_a_row_that_comes_begins_the_time_again() -> None:
    tables = UnchangedReadings()
    assert tables.look(table("a"), 10.0) == 0.0
    assert tables.look(table("a"), 13.0) == 3.0
    assert tables.look(table("a", "b"), 14.0) == 0.0
    assert tables.look(table("a", "b"), 16.0) == 2.0


def test_a_failed_reading_begins_the_time_again_and_a_number_does_not() -> None:
    tables = UnchangedReadings()
    tables.look({**table("a"), "queue": 1.0}, 10.0)
    assert tables.look({**table("a"), "queue": 2.0}, 11.0) == 1.0
    assert tables.look({"stored": "no answer", "queue": 2.0}, 12.0) == 0.0
    assert tables.look({"stored": "no answer", "queue": 2.0}, 13.0) == 0.0


def test_the_time_begins_at_the_first_look_also_without_a_table() -> None:
    assert UnchangedReadings().look({"total": 1.0}, 50_000.0) == 0.0


@pytest.mark.parametrize(
    ("claim", "before", "later", "unchanged_s"),
    [
        ("total_last <= 100", 1.0, 2.0, 0.0),
        ("counter total between acknowledged and attempted", 1.0, 2.0, 0.0),
        ("total_max <= 100", 1.0, 2.0, 0.0),
        ("total_max <= 100", 2.0, 1.0, 1.0),
        ("total_min >= 0", 1.0, 2.0, 1.0),
        ("total_min >= 0", 2.0, 1.0, 0.0),
        ("other_last <= 100", 1.0, 2.0, 1.0),
    ],
)
def test_a_number_begins_the_time_again_where_it_changes_what_a_claim_judges(
    claim: str, before: float, later: float, unchanged_s: float
) -> None:
    readings = UnchangedReadings(parse_expectations([claim], on_system=True))
    readings.look({"total": before}, 10.0)
    assert readings.look({"total": later}, 11.0) == unchanged_s
