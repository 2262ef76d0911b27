"""Claims about outages of links, whose clients write no journal: from a door's alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from driver.forensics.connection_disagreement import disagreements
from driver.histories.connection_history import GHOST, ZOMBIE, ConnectionHistory, connection_histories
from driver.histories.link_connections import incomplete_links
from driver.histories.link_events import (
    CLIENT,
    CLOSED,
    DOOR,
    FIN,
    RST,
    SERVER,
    ConnectionAnswered,
    LinesOmitted,
)
from driver.histories.link_history import link_history
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast, side
from tests.driver.judge.histories import ns


def link(past: DoorPast) -> ConnectionHistory:
    """What is found of the only link."""
    (found,) = connection_histories(link_history(past.history([]))).values()
    return found


def cut() -> DoorPast:
    """A fault from 5 s to 8 s; the client tries at 6 s and 7 s, and is back at 8.5 s."""
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(1.0, 5.001)
    past.failed(6.0)
    past.failed(7.0)
    past.carried(8.5, 20.0, CLIENT)
    return past


def test_an_outage_is_from_the_break_to_the_next_connection_that_carries() -> None:
    found = link(cut())
    (outage,) = found.outages
    assert (outage.client, outage.broken_ns, outage.lost_ns) == (LINK, ns(5.0), ns(5.001))
    assert outage.back_ns == ns(8.502)
    assert [attempt.kind for attempt in outage.attempts] == ["refused", "refused", "connected"]
    assert [attempt.began.attempt for attempt in outage.attempts] == [1, 2, 3]


def test_a_client_that_closes_in_order_has_no_outage() -> None:
    past = DoorPast()
    for second in range(1, 9, 2):
        past.carried(second, second + 1, CLIENT)
    found = link(past)
    assert (found.outages, len(found.by_client)) == ([], 4)


def test_nothing_is_said_of_a_link_whose_door_left_lines_out() -> None:
    past = cut()
    past.emit(PROCESS, LinesOmitted, 9.0, link=RAW, counts={"connection_ended": 1})
    history = past.history([])
    assert link_history(history).clients == []
    assert incomplete_links(history) == [LINK]


def test_an_idle_client_is_cut_off_from_its_first_attempt_that_fails() -> None:
    past = DoorPast()
    past.carried(1.0, 2.0, CLIENT)
    past.failed(5.0, "refused")
    past.carried(6.0, 7.0, CLIENT)
    (outage,) = link(past).outages
    assert (outage.broken_ns, outage.back_ns, len(outage.attempts)) == (ns(4.999), ns(6.002), 2)


def test_a_link_without_an_attempt_has_no_outage_when_it_comes_up() -> None:
    past = DoorPast()
    past.failed(1.0, "refused")
    past.carried(2.0, 3.0, CLIENT)
    found = link(past)
    assert (found.outages, len(found.attempts)) == ([], 2)


def test_a_connection_that_the_server_never_answers_is_an_attempt() -> None:
    past = DoorPast()
    past.fault("stall", "stall", [LINK], 5.0, 4.0)
    past.named()
    past.carried(1.0, 5.5, SERVER, RST)
    hung = past.opened(6.0)
    past.ended(8.0, hung, side(6.0, 6.0, 8.0, FIN), side(0, 0, 8.0, CLOSED))
    past.carried(9.5, 20.0, CLIENT)
    (outage,) = link(past).outages
    assert [attempt.kind for attempt in outage.attempts] == ["timeout", "connected"]
    assert (outage.attempts[0].ended_ns, outage.back_ns) == (ns(8.0), ns(9.502))


def test_a_link_whose_server_never_sends_carries_from_the_begin_of_a_connection() -> None:
    past = DoorPast()
    for begin_s, end_s in ((1.0, 2.0), (3.0, 4.0)):
        sent = side(begin_s, end_s, end_s, CLOSED)
        past.ended(end_s, past.opened(begin_s), sent, side(0, 0, end_s, RST), SERVER, RST)
    outages = link(past).outages
    assert [outage.back_ns for outage in outages] == [ns(3.0), None]


def test_a_client_detects_a_silent_fault_when_it_ends_its_connection() -> None:
    past = DoorPast()
    past.named()
    past.fault("stall", "stall", [LINK], 5.0, 10.0)
    past.carried(1.0, 9.0, CLIENT, FIN, silent_s=4.2)
    (outage,) = link(past).outages
    assert (outage.broken_ns, outage.detection_s) == (ns(5.0), 4.0)


def test_bytes_that_a_fault_holds_back_from_the_client_are_silence_to_it() -> None:
    past = DoorPast()
    past.named()
    past.fault("stall", "stall", [LINK], 5.0, 10.0)
    received = side(1.002, 8.9, 9.0, CLOSED)
    past.ended(9.0, past.opened(1.0), side(1.001, 8.7, 9.0, FIN), received)
    (outage,) = link(past).outages
    assert (outage.broken_ns, outage.lost_ns) == (ns(5.0), ns(9.0))


def test_one_of_two_connections_is_no_outage() -> None:
    past = DoorPast()
    past.carried(1.0, 5.0)
    past.carried(1.5, 9.0, CLIENT)
    past.carried(6.0, 9.0, CLIENT)
    assert link(past).outages == []


def test_a_refused_upgrade_is_an_attempt_with_its_status() -> None:
    past = DoorPast()
    for at_s, status in ((1.0, 101), (5.0, 503), (6.0, 101)):
        number = past.connections + 1
        past.carried(at_s, at_s + 0.8, DOOR if status == 101 else SERVER)
        answered = {"link": RAW, "connection": number, "status": status, "websocket": status == 101}
        past.emit(past.process, ConnectionAnswered, at_s + 0.002, **answered)
    first, *_ = link(past).outages
    assert [attempt.kind for attempt in first.attempts] == ["status", "connected"]


@pytest.mark.parametrize(
    ("what", "client_s", "server_s"), [(ZOMBIE, 5.0, 8.0), (GHOST, 8.0, 5.0)], ids=("zombie", "ghost")
)
def test_a_side_that_stays_connected_alone_is_named(what: str, client_s: float, server_s: float) -> None:
    past = DoorPast()
    past.named()
    number = past.opened(1.0)
    by = CLIENT if client_s < server_s else SERVER
    past.ended(8.0, number, side(1.0, 4.5, client_s, FIN), side(1.001, 4.6, server_s, FIN), by)
    (one,) = disagreements(link_history(past.history([])))
    assert (one.client, one.what, one.begin_ns, one.end_ns) == (LINK, what, ns(5.0), ns(8.0))


def test_a_history_without_doors_has_no_links() -> None:
    past = DoorPast()
    past.lines.clear()
    assert link_history(past.history([])).clients == []


def test_a_client_that_closes_by_itself_without_a_fault_has_no_outage() -> None:
    past = DoorPast()
    past.named()
    for begin_s in (1.0, 5.0):
        number = past.opened(begin_s)
        # It hangs up while more of the answer comes, as a client does that has what it wants.
        client, server = (
            side(begin_s + 0.1, begin_s + 0.9, begin_s + 1, RST),
            side(begin_s + 0.2, begin_s + 0.8),
        )
        past.ended(begin_s + 1, number, client, server, CLIENT, RST)
    assert link(past).outages == []


def test_a_client_that_gives_up_after_a_fault_in_its_connection_s_life_has_an_outage() -> None:
    past = DoorPast()
    past.named()
    past.fault("stall", "stall", [LINK], 2.0, 1.0, cuts=False)
    number = past.opened(1.0)
    past.ended(9.0, number, side(1.1, 2.5, 9.0, FIN), side(1.2, 1.9, 9.0, CLOSED), CLIENT, FIN)
    assert len(link(past).outages) == 1


def said_goodbye(past: DoorPast, server_after_s: float) -> DoorPast:
    """Calls of 1 s, each ended by the server some time after the client's last bytes."""
    past.named()
    for begin_s in (1.0, 5.0):
        last_s = begin_s + 1 - server_after_s
        client, server = side(begin_s + 0.1, last_s, begin_s + 1, CLOSED), side(begin_s + 0.2, begin_s + 0.8)
        number = past.opened(begin_s)
        past.ended(begin_s + 1, number, client, replace(server, ended_ns=ns(begin_s + 1)), SERVER, FIN)
    return past


def test_a_server_that_ends_a_connection_at_its_client_s_word_is_no_outage() -> None:
    assert link(said_goodbye(DoorPast(), 0.003)).outages == []


def test_a_server_that_ends_a_connection_some_time_after_a_request_is_an_outage() -> None:
    assert len(link(said_goodbye(DoorPast(), 0.1)).outages) == 2


def test_a_server_that_ends_a_connection_just_after_a_request_under_a_fault_is_an_outage() -> None:
    past = DoorPast()
    past.fault("kill", "kill", [LINK], 1.9, 0.5)
    assert len(link(said_goodbye(past, 0.003)).outages) == 1
