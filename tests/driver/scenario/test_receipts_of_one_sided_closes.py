"""Claims about receipts of connections that were closed at one end: both ends' journals are needed."""

from __future__ import annotations

import pytest

from driver.judging.receipts import Proof, prove
from tests.driver.scenario.line import Line
from tests.driver.scenario.prober_story import S, Story
from tests.driver.scenario.receipt_lines import BEGIN_S, END_S, FROM_S, HIT, LINKS, SPARED, UNTIL_S, act
from wire.events import ProbeStreamEnded

FIRST, SECOND = "0" * 16, "1" * 16


def far(story: Story, at_s: float, how: str, last_s: float, stream: str = FIRST) -> None:
    story.add(
        ProbeStreamEnded, at_s, "coordinator", stream=stream, how=how, messages=9,
        last_message_ns=round(last_s * S),
    )  # fmt: skip


def closed_at_client() -> Story:
    story = Story()
    Line(SPARED).emit(story, FROM_S, UNTIL_S)
    story.opened(HIT, 9, FIRST)
    Line(HIT).emit(story, FROM_S, BEGIN_S)
    story.ended(HIT, BEGIN_S + 0.01, "fin")
    story.opened(HIT, BEGIN_S + 0.1, SECOND)
    Line(HIT).emit(story, BEGIN_S + 0.5, UNTIL_S)
    return story


def closed_at_server() -> Story:
    story = Story()
    Line(SPARED).emit(story, FROM_S, UNTIL_S)
    story.opened(HIT, 9, FIRST)
    Line(HIT).emit(story, FROM_S, BEGIN_S)
    story.silent(HIT, BEGIN_S - 0.1, END_S, whole=False)
    story.events.pop()
    for at_s in range(20, 40):
        story.tried(HIT, at_s + 0.4, "answered")
    story.ended(HIT, END_S + 0.001, "rst")
    story.opened(HIT, END_S + 0.1, SECOND)
    Line(HIT).emit(story, END_S + 0.5, UNTIL_S)
    return story


def proof(story: Story, side: str, how: str = "fin") -> Proof:
    return prove([act("one_sided_close", side=side, how=how)], story.history(), LINKS)[0]


def test_a_close_of_the_clients_end_is_proved_by_the_end_that_the_other_side_wrote_down_after_the_heal() -> (
    None
):
    story = closed_at_client()
    far(story, END_S + 0.002, "rst", BEGIN_S - 0.2)
    assert proof(story, "client").proved, proof(story, "client").because
    assert not proof(story, "server").proved
    assert not proof(story, "client", "rst").proved


def test_a_close_of_the_servers_end_is_proved_by_what_it_wrote_down_and_by_the_silence() -> None:
    story = closed_at_server()
    far(story, BEGIN_S + 0.002, "rst", BEGIN_S - 0.2)
    assert proof(story, "server", "rst").proved, proof(story, "server", "rst").because
    assert not proof(story, "server").proved
    assert not proof(story, "client", "rst").proved


@pytest.mark.parametrize(
    ("at_s", "how", "last_s", "stream"),
    [
        (BEGIN_S + 0.002, "fin", BEGIN_S, FIRST),
        (BEGIN_S + 9, "rst", BEGIN_S, FIRST),
        (END_S, "rst", BEGIN_S + 5, FIRST),
        (END_S, "rst", BEGIN_S, SECOND),
        (END_S, "rst", BEGIN_S, "2" * 16),
    ],
    ids=["both ends", "later", "bytes came", "another connection", "no connection of the prober"],
)
def test_another_story_of_the_far_end_proves_no_close_of_the_clients_end(
    at_s: float, how: str, last_s: float, stream: str
) -> None:
    story = closed_at_client()
    far(story, at_s, how, last_s, stream)
    assert not proof(story, "client").proved


def test_without_the_far_ends_record_neither_is_proved() -> None:
    assert "recorded no end" in proof(closed_at_client(), "client").because
    assert "recorded no end" in proof(closed_at_server(), "server").because


def test_a_link_that_is_spared_shows_no_such_close() -> None:
    story = closed_at_client()
    far(story, END_S + 0.002, "rst", BEGIN_S - 0.2)
    story.ended(SPARED, BEGIN_S + 0.01, "fin")
    assert "should be unaffected" in proof(story, "client").because


def test_a_word_that_is_none_of_the_ways_to_end_counts_as_the_far_ends_own_doing() -> None:
    story = closed_at_server()
    far(story, BEGIN_S + 0.002, "exploded", BEGIN_S - 0.2)
    assert "its own doing" in proof(story, "server").because
