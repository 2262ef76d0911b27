"""Journals as they are found on a disk: whole, torn, damaged, foreign, missing."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

from driver.checks.finding import show
from driver.histories.history import History, JournalRead, LineReader
from driver.histories.journals import client_order, read_history
from tests.driver.judge.histories import Past, healthy_herd, ns
from wire import events as wire
from wire import task_events
from wire.events import Event
from wire.task_events import ProcessEvent

READER = LineReader(get_args(ProcessEvent))


def line(at_ns: int, task: str = "t-1", by: str = "worker-1") -> bytes:
    return (
        msgspec.json.encode(task_events.Started(at_ns=at_ns, wall_s=0.0, by=by, task=task, token=1)) + b"\n"
    )


def damage_of(data: bytes) -> list[tuple[str, int]]:
    return [(found.what, found.lines) for found in READER.read("worker-1", data).damage]


def test_a_whole_journal_is_read_without_damage() -> None:
    journal = READER.read("worker-1", line(1) + line(2))
    assert [event.at_ns for event in journal.events] == [1, 2]
    assert not journal.damage


def test_an_empty_journal_has_no_events_and_no_damage() -> None:
    assert READER.read("worker-1", b"") == JournalRead("worker-1", [], range(1, 1))


def test_a_torn_last_line_is_left_out_and_reported() -> None:
    data = line(1) + line(2)[:40]
    assert len(READER.read("worker-1", data).events) == 1
    assert damage_of(data) == [("torn", 1)]


def test_a_line_that_a_kill_tore_before_the_process_started_again_is_torn_and_not_damaged() -> None:
    started = wire.ProcessStarted(
        at_ns=3, wall_s=0.0, by="worker-1", role="worker", incarnation="b", settings=msgspec.Raw(b"{}")
    )
    again = msgspec.json.encode(started) + b"\n"
    assert damage_of(line(1) + line(2)[:40] + b"\n" + again) == [("torn", 1)]
    assert damage_of(line(1) + line(2)[:40] + b"\n" + line(3)) == [("damaged", 1)]


def test_foreign_bytes_are_damage_and_not_the_rest_of_a_torn_line() -> None:
    started = wire.ProcessStarted(
        at_ns=3, wall_s=0.0, by="worker-1", role="worker", incarnation="b", settings=msgspec.Raw(b"{}")
    )
    again = msgspec.json.encode(started) + b"\n"
    for junk in (b"junk", b"\x00\xff", b'{"at_ns":1', b"[1, 2"):
        assert damage_of(junk) == [("damaged", 1)]
        assert damage_of(line(1) + junk) == [("damaged", 1)]
        assert damage_of(line(1) + junk + b"\n" + again) == [("damaged", 1)]
    for begun in (b"{", b'{"eve', b'{"event":"st', line(2)[:-2]):
        assert damage_of(line(1) + begun) == [("torn", 1)]


def test_a_last_line_that_lacks_only_its_newline_is_whole() -> None:
    journal = READER.read("worker-1", line(1) + line(2)[:-1])
    assert len(journal.events) == 2
    assert not journal.damage


def test_damaged_lines_are_counted_and_the_others_kept_with_their_numbers() -> None:
    data = line(1) + b"\x00\xff junk\n" + line(2) + b'{"event":"started"}\n' + b"\n" + line(3)
    journal = READER.read("worker-1", data)
    assert list(journal.line_numbers) == [1, 3, 6]
    assert damage_of(data) == [("damaged", 3)]
    assert "line 2" in journal.damage[0].because


def test_an_unknown_kind_of_event_is_distinguished_from_damage() -> None:
    data = line(1) + b'{"event":"from_the_future","at_ns":2,"wall_s":0,"by":"worker-1"}\n' + line(3)
    assert damage_of(data) == [("unknown", 1)]
    assert "from_the_future" in READER.read("worker-1", data).damage[0].because


def test_a_field_that_a_newer_version_added_does_no_harm() -> None:
    data = line(1).replace(b'"token":1', b'"token":1,"mood":"fine"')
    assert not READER.read("worker-1", data).damage


def test_events_of_kinds_that_are_named_to_the_reader_are_decoded() -> None:
    class Probed(Event, tag="probed_in_a_test", frozen=True):
        rtt_ms: float

    data = msgspec.json.encode(Probed(at_ns=1, wall_s=0.0, by="prober", rtt_ms=2.0)) + b"\n"
    assert READER.read("prober", data).damage
    assert not LineReader([Probed]).read("prober", data).damage


def test_journals_are_merged_by_time() -> None:
    one = READER.read("worker-1", line(5) + line(9))
    other = READER.read("worker-2", line(7, by="worker-2"))
    history = History({"worker-1": one, "worker-2": other})
    assert [event.at_ns for event in history.of(task_events.Started)] == [5, 7, 9]
    assert (history.begin_ns, history.end_ns, history.count) == (5, 9, 3)


def test_a_history_begins_and_ends_with_its_first_and_last_event_of_any_kind() -> None:
    history = healthy_herd().history()
    assert history.begin_ns == ns(0)
    assert history.end_ns == ns(66)


def test_an_event_is_found_again_by_its_journal_and_line() -> None:
    journal = READER.read("worker-1", line(1) + b"junk\n" + line(2))
    history = History({"worker-1": journal})
    assert str(history.where(journal.events[1])) == "worker-1.jsonl:3"
    assert show(history, journal.events)[1].where == "worker-1.jsonl:3"


def test_a_run_folder_is_read_with_its_workers_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = Past(12)
    folder.begin()
    history = read_history(folder.write(tmp_path / "run"))
    assert history.clients[1] == "worker-2"
    assert history.clients[-1] == "worker-12"
    assert client_order("worker-2") < client_order("worker-10")


def test_an_expected_process_without_a_journal_is_missing(tmp_path: Path) -> None:
    folder = healthy_herd(workers=1).write(tmp_path / "run")
    history = read_history(
        folder, ["driver", "coordinator", "worker-1", "worker-2"], ["worker-1", "worker-2"]
    )
    assert [(found.journal, found.what) for found in history.damage] == [("worker-2", "missing")]


def test_a_journal_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    folder = healthy_herd(workers=1).write(tmp_path / "run")
    (folder / "journals" / "worker-1.jsonl").unlink()
    (folder / "journals" / "worker-1.jsonl").mkdir()
    assert [found.what for found in read_history(folder).damage] == ["missing"]


def test_a_folder_without_journals_is_an_empty_history(tmp_path: Path) -> None:
    history = read_history(tmp_path)
    assert (history.count, history.begin_ns, history.end_ns) == (0, 0, 0)


def test_what_is_derived_from_a_history_is_derived_once() -> None:
    history = healthy_herd().history()
    asked: list[History] = []

    def derive(given: History) -> int:
        asked.append(given)
        return given.count

    assert history.view(derive) == history.view(derive) == history.count
    assert len(asked) == 1
