"""Claims about receipts of refusals, silences, cuts and losses of connections."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from driver.judging.receipts import ContainerSample, prove
from tests.driver.scenario.line import Line
from tests.driver.scenario.prober_story import S, Story
from tests.driver.scenario.receipt_lines import BEGIN_S, FROM_S, HIT, LINKS, SPARED, UNTIL_S, act
from tests.driver.scenario.test_receipts import act as begun
from tests.driver.scenario.test_receipts import life
from wire.events import WorkerJoined, WorkerLost


def test_new_connections_that_got_in_for_a_while_are_not_refused_through() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.ended(HIT, 20.01, "fin")
    for at_s in range(21, 40):
        story.tried(HIT, at_s, "refused")
    story.opened(HIT, 40.3)
    fault = act("refuse")
    assert prove([fault], story.history(), LINKS)[0].proved
    for at_s in (28, 29):
        story.tried(HIT, at_s + 0.5, "answered")
    proof = prove([fault], story.history(), LINKS)[0]
    assert not proof.proved
    assert "should have been refused" in proof.because


def test_a_silence_that_was_broken_is_reported_with_its_times() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.silent(HIT, 19.9, 28.0)
    Line(HIT).emit(story, 28.0, 31.0)
    story.silent(HIT, 31.0, 40.1)
    Line(HIT).emit(story, 41, UNTIL_S)
    proof = prove([act("stall")], story.history(), LINKS)[0]
    assert not proof.proved
    assert "only from 0.0 to 8.0 s, 11.0 to 20.1 s of 20.0 s" in proof.because


@pytest.mark.parametrize(
    ("asked", "up_ms", "down_ms", "proved"),
    [
        ("to_worker", 1, 15_000, True),
        ("to_worker", 15_000, 1, False),
        ("to_coordinator", 15_000, 1, True),
        ("to_coordinator", 1, 15_000, False),
        ("both", 15_000, 1, True),
        ("both", 1, 15_000, False),
    ],
)
def test_held_bytes_show_which_way_was_silent(asked: str, up_ms: float, down_ms: float, proved: bool) -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.silent(HIT, 19.9, 40.1)
    skew_ms = 40_000
    story.events[-1] = replace_held(story, skew_ms + up_ms, down_ms - skew_ms)
    Line(HIT).emit(story, 41, UNTIL_S)
    assert prove([act("stall", direction=asked)], story.history(), LINKS)[0].proved == proved


def replace_held(story: Story, up_ms: float, down_ms: float) -> Any:
    """The last event, a silence that is over, with how long what was held took each way."""
    return msgspec.structs.replace(story.events[-1], up_ms=up_ms, down_ms=down_ms)


def test_a_refusal_just_after_the_coordinator_was_killed_is_proved_by_what_no_coordinator_does() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, 16)
        story.ended(link, 16.1, "fin")
        for step in range(4):
            story.tried(link, 17 + step / 2, "closed")
    Line(SPARED).emit(story, 19, UNTIL_S)
    for at_s in range(19, 26):
        story.tried(HIT, at_s + 0.5, "refused")
    Line(HIT).emit(story, 26, UNTIL_S)
    life(story, 19, "coordinator")
    refuse, kill = act("refuse", begin_s=19.0, end_s=26.0), begun("kill", ["coordinator"], "f2", 16, 18.5)
    proof = prove([refuse, kill], story.history(), LINKS)[0]
    assert proof.proved, proof.because


def test_a_cut_while_new_connections_are_blocked_is_proved_and_so_is_the_block() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.opened(HIT, 9)
    Line(HIT).emit(story, BEGIN_S, 25)
    story.events = [
        one for one in story.events if not (getattr(one, "outcome", "") and one.at_ns > BEGIN_S * S)
    ]
    for at_s in range(20, 40):
        story.tried(HIT, at_s + 0.4, "refused")
        story.tried(SPARED, at_s + 0.4, "answered")
    story.ended(HIT, 25.01, "fin")
    story.opened(HIT, 40.2)
    block, cut = act("block_new_only"), act("cut", id="f2", begin_s=25)
    proofs = prove([block, cut], story.history(), LINKS)
    assert [one.proved for one in proofs] == [True, True], [one.because for one in proofs]


def test_a_stretch_that_the_next_follows_before_a_look_is_not_called_without_an_end() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.ended(HIT, 20.01, "fin")
    for number in range(90):
        story.tried(HIT, 20.1 + number * 0.1, "refused")
    Line(HIT).emit(story, 29.5, UNTIL_S)
    stretches = [
        act("refuse", id=f"flap-{number}", begin_s=20 + 3 * number, end_s=22.8 + 3 * number)
        for number in range(3)
    ]
    proofs = prove(stretches, story.history(), LINKS)
    assert not any("its end was not observed" in one.because for one in proofs)


def test_a_refusal_that_met_no_live_connection_is_proved_by_what_was_refused() -> None:
    story = Story()
    for link in LINKS:
        Line(link).emit(story, FROM_S, BEGIN_S if link == HIT else UNTIL_S)
    story.opened(HIT, 5)
    story.ended(HIT, 19.5, "fin")
    for at_s in range(20, 40):
        story.tried(HIT, at_s + 0.3, "refused")
    story.opened(HIT, 40.2)
    proof = prove([act("refuse")], story.history(), LINKS)[0]
    assert proof.proved, proof.because
    assert "no standing connection when it began" in proof.because


def test_a_partition_in_which_the_coordinator_was_killed_is_proved_without_what_the_kill_took() -> None:
    story = Story()
    Line(HIT).emit(story, FROM_S, BEGIN_S)
    Line(SPARED).emit(story, FROM_S, 30)
    story.silent(HIT, 19.9, 40.1, whole=False)
    story.ended(SPARED, 30.01, "rst")
    Line(SPARED).emit(story, 34, UNTIL_S)
    Line(HIT).emit(story, 41, UNTIL_S)
    life(story, 33, "coordinator")
    kill = begun("kill", ["coordinator"], "f2", 30, 32)
    proof = prove([act("partition"), kill], story.history(), LINKS)[0]
    assert proof.proved, proof.because
    assert "kill took what was held" in proof.because


def test_an_unplugged_worker_that_was_lost_already_need_not_be_lost_again() -> None:
    story = Story()
    story.add(WorkerJoined, 1, "coordinator", worker=HIT, session="s", epoch=1, outcome="new", because="")
    story.add(
        WorkerLost,
        18,
        "coordinator",
        worker=HIT,
        session="s",
        kind="heartbeat_timeout",
        detail="",
        silent_ms=1,
    )
    fault = act("unplug")
    sights = [ContainerSample(HIT, at_s * S, "paused", plugged=False) for at_s in range(20, 41)]
    assert prove([fault], story.history(), LINKS, sights)[0].proved
