"""What the prober wrote of one link between two instants, and what belongs to the time around them."""

from __future__ import annotations

from chaos.evidence import CloseKind, ConnectOutcome, LinkWindow, Silence
from driver.judging.link_records import EARLY_NS, link_records
from tests.driver.scenario.prober_story import S, Story

LINK = "worker-1"


def window(story: Story, from_s: float = 20, until_s: float = 30) -> LinkWindow:
    return link_records(story.history())[LINK].window(round(from_s * S), round(until_s * S))


def test_a_round_trip_that_was_held_across_the_begin_is_none() -> None:
    story = Story()
    story.seen(LINK, 20, 21, rtt_ms=400)
    # Five trips end 150, 300, … 750 ms after 20 s: the first two began before.
    assert len(window(story).rtt_ms) == 3


def test_round_trips_of_a_summary_that_reaches_over_the_end_are_distinguished() -> None:
    story = Story()
    story.seen(LINK, 29.5, 30.5)
    assert len(window(story).rtt_ms) == 3


def test_counts_are_taken_from_summaries_that_lie_within() -> None:
    story = Story()
    for at_s in (19.5, 20.5, 21.5, 29.5):
        story.seen(LINK, at_s, at_s + 1, compared_bytes=100, damaged_bytes=round(at_s))
    found = window(story)
    assert (found.compared_bytes, found.damaged_bytes) == (200, 20 + 22)


def test_counts_of_a_short_time_are_taken_from_the_summary_around_it() -> None:
    story = Story()
    story.seen(LINK, 20, 22, compared_bytes=100, damaged_bytes=3)
    assert window(story, 20.5, 21).damaged_bytes == 3


def test_connections_count_where_they_were_begun() -> None:
    story = Story()
    story.tried(LINK, 20.001, "answered", took_ms=5)
    story.tried(LINK, 25, "refused")
    story.tried(LINK, 30.5, "answered", took_ms=100)
    assert dict(window(story).connects) == {ConnectOutcome.refused: 1}


def test_a_connection_that_waited_until_the_end_had_hung_whatever_became_of_it() -> None:
    story = Story()
    story.tried(LINK, 30.001, "answered", took_ms=2000)
    assert window(story).count(ConnectOutcome.hung) == 1


def test_rejections_are_reported_with_their_status_and_advice() -> None:
    story = Story()
    story.tried(LINK, 25, "rejected", status=503)
    assert window(story).statuses == {(503, -1)}


def test_an_end_may_come_a_little_before_the_clock_was_read() -> None:
    story = Story()
    story.ended(LINK, 20 - EARLY_NS / S / 2, "rst")
    story.ended(LINK, 30 - EARLY_NS / S / 2, "fin")
    assert [how for _, how in window(story).ends] == [CloseKind.rst]


def test_a_silence_belongs_to_every_time_that_it_reaches_into() -> None:
    story = Story()
    story.silent(LINK, 19, 23)
    story.seen(LINK, 1, 2)
    silence = Silence(19 * S, 23 * S, healed=True)
    assert window(story).silences == (silence,)
    assert window(story, 23, 30).silences == ()
    assert window(story, 10, 19).silences == ()


def test_a_silence_that_an_end_cut_off_did_not_heal_and_one_without_an_end_goes_on() -> None:
    story = Story()
    story.silent(LINK, 19, 23)
    story.events = [event for event in story.events if event.at_ns != 23 * S]
    assert window(story).silences == (Silence(19 * S, None, healed=False),)
    story.ended(LINK, 24, "fin")
    assert window(story).silences == (Silence(19 * S, 24 * S, healed=False),)


def test_a_link_lives_when_anything_came_back() -> None:
    story = Story()
    story.seen(LINK, 1, 2)
    assert not window(story).lives
    story.opened(LINK, 25)
    assert window(story).lives
