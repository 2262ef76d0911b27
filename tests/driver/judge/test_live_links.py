"""Claims about the links of a system that is up, from a door's journal that grows."""

from __future__ import annotations

from driver.histories.connection_history import connection_histories
from driver.histories.history import DRIVER
from driver.histories.link_history import link_history
from driver.histories.link_names import touches
from driver.histories.link_spans import link_spans
from driver.histories.live_links import KEPT_NS, MOST_CONNECTIONS, LiveLinks
from tests.driver.judge.door_journal import LINK, PROCESS, RAW, DoorPast, side
from tests.driver.judge.histories import ns
from tests.driver.judge.test_link_history import cut


def live(past: DoorPast, pieces: int = 1) -> LiveLinks:
    """The links of a past whose journal is read in that many pieces."""
    links = LiveLinks({})
    history = past.history([])
    for event in history.by(DRIVER):
        links.add_fault(event)
    events = list(history.by(PROCESS))
    size = -(-len(events) // pieces)
    for begin in range(0, len(events), size):
        links.add(PROCESS, events[begin : begin + size])
    return links


def test_a_journal_that_is_read_in_pieces_gives_the_outages_of_the_whole() -> None:
    (whole,) = connection_histories(link_history(cut().history([]))).values()
    for pieces in (1, 3, 20):
        found = live(cut(), pieces).links(ns(30.0))[LINK].connections
        assert found is not None
        assert [one.total_s for one in found.outages] == [one.total_s for one in whole.outages]
        assert [len(one.attempts) for one in found.outages] == [3]


def test_a_connection_that_is_open_goes_on_until_now() -> None:
    past = DoorPast()
    past.named()
    past.seen(3.0, past.opened(1.0), side(1.1, 2.0), side(1.1, 2.0))
    found = live(past).links(ns(60.0))[LINK]
    assert found.connections is not None
    assert found.connections.by_client == [(ns(1.1), ns(60.0))]
    assert found.read_ns == ns(60.0)


def test_a_link_whose_journal_is_read_from_its_middle_has_its_name_by_the_system() -> None:
    past = DoorPast()
    past.carried(1.0, 2.0)
    links = LiveLinks({PROCESS: {RAW: "api[7]->db:5432"}})
    links.add(PROCESS, list(past.history([]).by(PROCESS)))
    assert list(links.links(ns(3.0))) == ["api[7]->db:5432"]


def test_connections_that_ended_long_ago_and_the_oldest_of_very_many_are_dropped() -> None:
    past = DoorPast()
    past.named()
    for number in range(MOST_CONNECTIONS + 50):
        past.failed(1.0 + number / 1000)
    links = live(past)
    assert len(links.links(ns(10.0))[LINK].journal.connections) == MOST_CONNECTIONS
    assert links.links(ns(10.0) + KEPT_NS)[LINK].journal.connections == []


def test_a_link_whose_client_never_came_back_stays_lost() -> None:
    past = DoorPast()
    past.named()
    past.carried(1.0, 5.0)
    links = live(past)
    links.links(ns(6.0))
    found = links.links(ns(6.0) + 2 * KEPT_NS)[LINK].connections
    assert found is not None
    assert [one.back for one in found.outages] == [None]


def test_spans_are_apart_and_an_outage_is_away_until_it_is_back() -> None:
    found = live(cut()).links(ns(30.0))[LINK]
    assert found.connections is not None
    spans = link_spans(found.connections, ns(30.0))
    assert spans.connected == [(ns(1.002), ns(5.001)), (ns(8.502), ns(20.0))]
    assert spans.away == [(ns(5.001), ns(8.502))]


def test_a_fault_on_a_container_is_one_of_the_links_that_it_is_an_end_of() -> None:
    assert touches(LINK, "api[1]")
    assert touches(LINK, "db[2]")
    assert not touches(LINK, "api[2]")
    assert not touches(LINK, "db[1]->api:80")
