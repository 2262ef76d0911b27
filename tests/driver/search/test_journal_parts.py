"""Claims about the part of a journal that one schedule gets: whole, sealed, with what was open before."""

from __future__ import annotations

from pathlib import Path

import msgspec

from driver.histories.history import History
from driver.histories.journal_folder import own_journal
from driver.histories.journal_kinds import reader_of
from driver.histories.journals import read_history
from driver.histories.link_connections import link_journals
from driver.search.journal_carry import JournalCarry
from driver.search.journal_parts import JournalParts
from tests.driver.judge.door_journal import LINK, PROCESS, DoorPast, side
from wire.events import Event, ProcessStopping
from wire.journal_chain import JournalChain, read_chain, unsealed


class GrowingJournal:
    """A door's journal that grows by the events of a past."""

    def __init__(self, folder: Path) -> None:
        self._path = own_journal(folder, PROCESS)
        self._path.parent.mkdir(parents=True)
        self._chain = JournalChain()
        self._written = 0

    def grow(self, past: DoorPast) -> None:
        events: list[Event] = past.lines[PROCESS][self._written :]
        self._written += len(events)
        with self._path.open("ab") as file:
            for event in events:
                file.write(self._chain.seal([msgspec.json.encode(event) + b"\n"]))


def part_of(parts: JournalParts, into: Path) -> History:
    parts.write(into / "journals")
    return read_history(into, [PROCESS], sealed=True)


def test_a_part_has_its_own_lines_and_is_whole(tmp_path: Path) -> None:
    past, journal = DoorPast(), GrowingJournal(tmp_path / "all")
    past.named()
    past.carried(1.0, 2.0)
    journal.grow(past)
    parts = JournalParts(tmp_path / "all", [PROCESS])
    parts.begin()
    past.carried(5.0, 6.0)
    journal.grow(past)
    history = part_of(parts, tmp_path / "one")
    assert history.damage == []
    (connection,) = link_journals(history)[LINK].connections
    assert connection.client_ended_ns
    assert isinstance(history.by(PROCESS)[-1], ProcessStopping)
    data = own_journal(tmp_path / "one" / "journals", PROCESS).read_bytes()
    assert read_chain(data).breaks == ()
    assert read_chain(data).lines == data.count(b"\n")


def test_a_connection_that_was_open_before_is_in_each_part_until_it_ends(tmp_path: Path) -> None:
    past, journal = DoorPast(), GrowingJournal(tmp_path / "all")
    past.named()
    number = past.opened(1.0)
    past.seen(2.0, number, side(1.1, 1.9), side(1.2, 1.8))
    journal.grow(past)
    parts = JournalParts(tmp_path / "all", [PROCESS])
    for turn in range(2):
        parts.begin()
        history = part_of(parts, tmp_path / f"open-{turn}")
        (connection,) = link_journals(history)[LINK].connections
        assert connection.opened_ns
        assert connection.first_answer_ns
        assert not connection.client_ended_ns
    parts.begin()
    past.ended(9.0, number, side(1.1, 8.0, 9.0), side(1.2, 8.0, 9.0))
    journal.grow(past)
    (connection,) = link_journals(part_of(parts, tmp_path / "ended"))[LINK].connections
    assert connection.client_ended_ns
    parts.begin()
    assert [one.connections for one in link_journals(part_of(parts, tmp_path / "after")).values()] == []


def test_a_new_life_of_a_door_has_no_connection_of_the_one_before() -> None:
    past = DoorPast()
    past.named()
    past.opened(1.0)
    past.start(PROCESS, 3.0, role="toxiproxy")
    carry = JournalCarry()
    for event in past.lines[PROCESS]:
        carry.feed(msgspec.json.encode(event) + b"\n")
    kept = [
        type(event).__name__ for event in reader_of(PROCESS).read(PROCESS, b"".join(carry.prelude())).events
    ]
    assert kept == ["LinkNamed", "ProcessStarted"]


def test_a_line_that_is_no_json_changes_nothing() -> None:
    carry = JournalCarry()
    carry.feed(b"\xff\n")
    carry.feed(b"{}\n")
    assert carry.prelude() == []


def test_a_half_written_line_is_in_the_next_part(tmp_path: Path) -> None:
    past, journal = DoorPast(), GrowingJournal(tmp_path / "all")
    past.named()
    journal.grow(past)
    parts = JournalParts(tmp_path / "all", [PROCESS])
    parts.begin()
    path = own_journal(tmp_path / "all", PROCESS)
    past.opened(5.0)
    line = msgspec.json.encode(past.lines[PROCESS][-1])
    with path.open("ab") as file:
        file.write(line[:20])
    assert link_journals(part_of(parts, tmp_path / "first")) == {}
    parts.begin()
    with path.open("ab") as file:
        file.write(line[20:] + b"\n")
    assert len(link_journals(part_of(parts, tmp_path / "second"))[LINK].connections) == 1


def test_a_journal_that_is_not_there_is_an_empty_part(tmp_path: Path) -> None:
    parts = JournalParts(tmp_path / "none", [PROCESS])
    parts.begin()
    assert [type(one) for one in part_of(parts, tmp_path / "one").by(PROCESS)] == [ProcessStopping]


def test_a_seal_is_taken_off_a_line() -> None:
    sealed = JournalChain().seal([b'{"a":1}\n'])
    assert sealed != b'{"a":1}\n'
    assert unsealed(sealed) == b'{"a":1}\n'
    assert unsealed(b'{"a":1}\n') == b'{"a":1}\n'
