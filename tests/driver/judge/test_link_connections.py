"""Claims about the connections of links, read from a door's journal."""

from __future__ import annotations

import pytest

from driver.histories import link_events as door
from driver.histories.journal_kinds import reader_of
from driver.histories.link_connections import LinkConnection, link_journals
from driver.histories.link_events import CLIENT, CLOSED, DOOR, FIN, RST, SERVER, TIMEOUT
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast, side
from tests.driver.judge.histories import NO_SETTINGS, ns
from wire.events import ProcessStarted

LINE = (
    b'{"event":"connection_failed","at_ns":1,"wall_s":1.5,"by":"%s","link":"a","asked_ns":1,'
    b'"dialling_ns":0,"why":"closed","detail":"","n":1,"h":"0123456789abcdef"}\n'
)


def connections(past: DoorPast, link: str = RAW) -> list[LinkConnection]:
    return link_journals(past.history([]))[link].connections


@pytest.mark.parametrize("process", [PROCESS, "toxiproxy"])
def test_a_door_may_write_of_its_connections(process: str) -> None:
    read = reader_of(process).read(process, LINE % process.encode())
    assert (len(read.events), read.damage) == (1, ())


@pytest.mark.parametrize("process", ["worker-1", "coordinator", "prober", "driver"])
def test_no_other_process_may_write_of_connections(process: str) -> None:
    read = reader_of(process).read(process, LINE % process.encode())
    assert [damage.what for damage in read.damage] == ["refused"]


def test_a_connection_has_its_times_its_status_and_its_ends() -> None:
    past = DoorPast()
    number = past.opened(1.0)
    status = {"connection": number, "status": 101, "websocket": True}
    past.emit(PROCESS, door.ConnectionAnswered, 1.1, link=RAW, **status)
    past.seen(2.0, number, side(1.0, 1.9, rtt_us=[7]), side(1.1, 1.8))
    past.ended(3.0, number, side(1.0, 2.9, 3.0, FIN, rtt_us=[8]), side(1.1, 2.8, 3.1, CLOSED))
    (one,) = connections(past)
    assert (one.asked_ns, one.opened_ns, one.answered_ns) == (ns(0.999), ns(1.0), ns(1.1))
    assert (one.status, one.websocket, one.round_trips_us) == (101, True, [7, 8])
    assert (one.ended_by, one.how) == (CLIENT, FIN)
    assert (one.client_ended_ns, one.server_ended_ns) == (ns(3.0), ns(3.1))


def test_a_connection_that_is_open_is_as_its_door_saw_it_last() -> None:
    past = DoorPast()
    past.seen(2.0, past.opened(1.0), side(1.0, 1.9, 1.95, FIN), side(1.1, 1.8))
    (one,) = connections(past)
    assert (one.client_ended_ns, one.server_ended_ns) == (ns(1.95), 0)
    assert one.first_answer_ns == ns(1.1)


def test_a_connection_whose_first_line_was_left_out_is_there_all_the_same() -> None:
    past = DoorPast()
    past.ended(3.0, 17, side(1.0, 2.0, 3.0, FIN), side(1.0, 2.0, 3.0, CLOSED))
    past.emit(
        PROCESS, door.LinesOmitted, 3.5, link=RAW, counts={"connection_opened": 2, "connection_failed": 1}
    )
    journal = link_journals(past.history([]))[RAW]
    assert (len(journal.connections), journal.omitted) == (1, 3)


def test_a_killed_door_ends_its_connections_with_its_last_line() -> None:
    past = DoorPast()
    past.opened(1.0)
    past.failed(2.0)
    past.emit(PROCESS, ProcessStarted, 9.0, role="toxiproxy", incarnation="b", settings=NO_SETTINGS)
    past.connections = 0
    past.opened(10.0)
    first, _, again = connections(past)
    assert (first.ended_by, first.client_ended_ns, first.server_ended_ns) == (DOOR, ns(2.0), ns(2.0))
    assert (again.asked_ns, again.client_ended_ns) == (ns(9.999), 0)


def test_a_link_has_the_name_that_it_has_in_the_system_and_had_from_the_begin() -> None:
    past = DoorPast()
    past.opened(1.0)
    past.named(2.0)
    past.opened(3.0)
    past.named(4.0, link="api[2]->db:5432")
    past.opened(5.0)
    found = link_journals(past.history([]))
    assert {name: len(one.connections) for name, one in found.items()} == {LINK: 2, "api[2]->db:5432": 1}


def test_clients_outside_share_a_link() -> None:
    past = DoorPast()
    past.opened(1.0, "outside->web:8000@172.30.0.1")
    past.opened(2.0, "outside->web:8000@172.30.0.9")
    assert [len(one.connections) for one in link_journals(past.history([])).values()] == [2]


def ending(
    by: str,
    how: str,
    waited_s: float = 0.0,
    status: int = 0,
    code: int = 0,
    websocket: bool = False,
    answer: int = 0,
) -> bool:
    """Whether a connection is in order that ends at 9 s; `waited_s`: since the client's unanswered bytes.

    `code` and `answer` are the close codes of client and server.
    """
    last_s = 9.0 - waited_s if waited_s else 5.0
    return LinkConnection(
        *(LINK, ns(1.0), ns(1.0)),
        status=status,
        websocket=websocket,
        client=side(1.0, last_s, 9.0, how, code=code),
        server=side(1.0, 6.0, 9.0, how, code=answer),
        ended_by=by,
        how=how,
        client_ended_ns=ns(9.0),
    ).is_orderly


@pytest.mark.parametrize(
    ("orderly", "what"),
    [
        (True, ending(CLIENT, FIN)),
        (True, ending(CLIENT, FIN, waited_s=0.01)),
        (False, ending(CLIENT, FIN, waited_s=2.0)),
        (False, ending(CLIENT, RST)),
        (False, ending(CLIENT, TIMEOUT)),
        (False, ending(SERVER, FIN)),
        (True, ending(SERVER, FIN, status=200)),
        (False, ending(SERVER, FIN, status=200, waited_s=2.0)),
        (False, ending(DOOR, FIN, status=200)),
        (True, ending(CLIENT, FIN, status=101, websocket=True, code=1000)),
        (False, ending(CLIENT, FIN, status=101, websocket=True)),
        (False, ending(CLIENT, FIN, status=101, websocket=True, code=1011)),
        (False, ending(SERVER, FIN, status=101, websocket=True)),
        (True, ending(SERVER, FIN, status=101, websocket=True, code=1000, answer=1000)),
        (False, ending(SERVER, FIN, waited_s=0.5, status=101, websocket=True, code=1001, answer=1001)),
    ],
)
def test_an_end_in_order_is_one_that_the_client_chose_with_nothing_unanswered(
    orderly: bool, what: bool
) -> None:
    assert what is orderly


def test_a_connection_that_was_seen_before_its_first_line_is_one_connection() -> None:
    past = DoorPast()
    past.seen(0.9, 1, side(0.8, 0.8), side(0.8, 0.8))
    number = past.opened(1.0)
    past.ended(3.0, number, side(1.0, 2.9, 3.0, FIN), side(1.1, 2.8, 3.1, CLOSED))
    (one,) = connections(past)
    assert (one.asked_ns, one.opened_ns, one.client_ended_ns) == (ns(0.999), ns(1.0), ns(3.0))


def test_lines_that_a_door_left_out_of_links_that_it_does_not_name_may_be_of_any() -> None:
    past = DoorPast()
    past.opened(1.0)
    past.opened(1.0, "worker->db:5432@10.236.0.3")
    past.emit(PROCESS, door.LinesOmitted, 3.5, link="", counts={"connection_ended": 2})
    assert [one.omitted for one in link_journals(past.history([])).values()] == [2, 2]
