"""Receipts: a fault is proved by what others saw of it, on exactly its targets, and over in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from chaos.catalogue import make
from driver.judging.receipts import ContainerSample, InjectedFault, Proof, prove
from tests.driver.scenario.prober_story import MS, S, Story
from wire.events import FrameRefused, ProcessStarted, ProcessStopping, TrafficTotals, WorkerLost

LINKS = [f"worker-{number}" for number in range(1, 6)]
HIT, SPARED = LINKS[:2], LINKS[2:]
BEGIN_S, END_S = 20.0, 30.0


def act(
    name: str,
    targets: list[str] = HIT,
    fault_id: str = "f1",
    begin_s: float = BEGIN_S,
    end_s: float = END_S,
    **params: Any,
) -> InjectedFault:
    fault = make(name, params)
    begin_ns, end_ns = round(begin_s * S), round(end_s * S)
    return InjectedFault(
        fault_id,
        fault,
        tuple(targets),
        planned_ns=begin_ns,
        called_ns=begin_ns - MS,
        began_ns=dict.fromkeys(targets, begin_ns),
        ended_ns=dict.fromkeys(targets, end_ns),
        end_called_ns=end_ns - MS if fault.lasting else None,
    )


def refused(story: Story, link: str, begin_s: float = BEGIN_S, end_s: float = END_S) -> None:
    """A link that is down for a while, and well before and after."""
    story.well(link, begin_s - 10, begin_s)
    story.ended(link, begin_s + 0.01, "fin")
    for number in range(8):
        story.tried(link, begin_s + 1 + number, "refused")
    story.opened(link, end_s + 0.3)
    story.well(link, end_s + 0.3, end_s + 8)


def story_of_a_refusal() -> Story:
    story = Story()
    for link in HIT:
        refused(story, link)
    for link in SPARED:
        story.well(link, 10, 38)
    return story


def proof(
    fault: InjectedFault,
    story: Story,
    acts: list[InjectedFault] | None = None,
    sights: list[ContainerSample] | None = None,
) -> Proof:
    acts = acts or [fault]
    return prove(acts, story.history(), LINKS, sights or [])[acts.index(fault)]


def test_a_fault_that_was_seen_on_its_targets_alone_is_proved() -> None:
    receipt = proof(act("refuse"), story_of_a_refusal())
    assert receipt.proved, receipt.because
    assert (receipt.hit, receipt.missed, receipt.spared, receipt.strayed) == (HIT, [], SPARED, [])
    assert (receipt.began_ns, receipt.ended_ns) == (20 * S, 30 * S)
    assert receipt.observers == ["prober"]


def test_a_fault_that_left_no_trace_is_not_proved() -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 38)
    receipt = proof(act("refuse"), story)
    assert not receipt.proved
    assert receipt.missed == HIT
    assert "saw no FIN" in receipt.because


def test_a_fault_that_missed_one_target_is_not_proved() -> None:
    story = Story()
    refused(story, "worker-1")
    for link in LINKS[1:]:
        story.well(link, 10, 38)
    receipt = proof(act("refuse"), story)
    assert (receipt.proved, receipt.hit, receipt.missed) == (False, ["worker-1"], ["worker-2"])


def test_a_fault_that_hit_a_link_that_it_was_not_aimed_at_is_not_proved() -> None:
    story = story_of_a_refusal()
    story.ended("worker-4", BEGIN_S + 0.02, "fin")
    receipt = proof(act("refuse"), story)
    assert (receipt.proved, receipt.strayed) == (False, ["worker-4"])
    assert "worker-4 should be unaffected" in receipt.because


def test_a_fault_whose_end_was_not_observed_is_not_proved() -> None:
    story = Story()
    for link in HIT:
        story.well(link, 10, 20)
        story.ended(link, 20.01, "fin")
        for at_s in range(21, 30):
            story.tried(link, at_s, "refused")
    for link in SPARED:
        story.well(link, 10, 38)
    receipt = proof(act("refuse"), story)
    assert not receipt.proved
    assert "its end was not observed" in receipt.because


def test_a_fault_without_a_prober_is_not_proved() -> None:
    receipt = proof(act("refuse"), Story())
    assert not receipt.proved
    assert "journal is empty" in receipt.because


def test_a_link_that_the_prober_never_watched_is_not_called_spared() -> None:
    story = story_of_a_refusal()
    story.events = [event for event in story.events if getattr(event, "link", "") != "worker-5"]
    receipt = proof(act("refuse"), story)
    assert (receipt.proved, receipt.strayed) == (False, ["worker-5"])


def test_a_glance_a_second_is_enough_to_call_a_link_spared_in_a_short_fault() -> None:
    story = Story()
    for link in HIT:
        refused(story, link, 20, 20.9)
    for link in SPARED:
        for at_s in range(10, 30):
            story.seen(link, at_s, at_s + 1)
    for link in HIT:
        story.tried(link, 20.4, "refused")
    receipt = proof(act("refuse", end_s=20.9), story)
    assert receipt.spared == SPARED


def test_frames_that_the_two_ends_refused_are_a_trace_of_corruption_too() -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 38, compared_bytes=40)
    fault = act("corrupt", rate="1e-4")
    assert not proof(fault, story).proved
    story.add(FrameRefused, 25, "worker-1", peer="coordinator", fault="altered", detail="")
    story.add(FrameRefused, 26, "coordinator", peer="worker-2", fault="altered", detail="")
    assert proof(fault, story).proved


@pytest.mark.parametrize(("refused_at_s", "strayed"), [(20.5, []), (25, ["worker-5"])])
def test_a_message_that_an_earlier_fault_swallowed_is_missed_a_heartbeat_later_and_is_no_straying(
    refused_at_s: float, strayed: list[str]
) -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 38, compared_bytes=40)
    for link in HIT:
        story.add(FrameRefused, 25, "coordinator", peer=link, fault="altered", detail="")
    story.add(FrameRefused, refused_at_s, "coordinator", peer="worker-5", fault="reordered", detail="")
    fault, earlier = act("corrupt", rate="1e-4"), act("drop", ["worker-5"], "f2", 15, 18.5, probability=0.2)
    receipt = proof(fault, story, [earlier, fault])
    assert (receipt.proved, receipt.strayed) == (not strayed, strayed)


def test_links_under_another_fault_at_the_time_are_neither_spared_nor_strayed() -> None:
    story = story_of_a_refusal()
    story.events = [
        event for event in story.events if getattr(event, "link", "") not in ("worker-4", "worker-5")
    ]
    for link in ("worker-4", "worker-5"):
        refused(story, link, 22, 33)
    first, other = act("refuse"), act("refuse", ["worker-4", "worker-5"], "f2", 22, 33)
    one, two = prove([first, other], story.history(), LINKS)
    assert (one.proved, one.spared) == (True, ["worker-3"])
    assert (two.proved, two.spared) == (True, ["worker-3"])


def test_a_silence_of_the_next_fault_that_counts_from_a_moment_before_it_is_no_straying() -> None:
    story = story_of_a_refusal()
    story.silent("worker-5", END_S - 0.2, END_S + 4)
    next_one = act("stall", ["worker-5"], "f2", END_S + 0.5, END_S + 4)
    receipt = proof(act("refuse"), story, [act("refuse"), next_one])
    assert (receipt.proved, receipt.spared, receipt.strayed) == (True, SPARED[:2], [])


def test_a_shift_of_round_trips_is_measured_against_what_was_before() -> None:
    story = Story()
    for link in HIT:
        story.well(link, 10, 20, rtt_ms=3)
        story.well(link, 20, 30, rtt_ms=204)
        story.well(link, 30, 38, rtt_ms=3)
    for link in SPARED:
        story.well(link, 10, 38, rtt_ms=3)
    receipt = proof(act("latency", mean="100ms"), story)
    assert receipt.proved, receipt.because
    assert receipt.asked["round_trip_longer_ms"] == 200
    assert receipt.measured["round_trip_longer_ms"] == pytest.approx(201)


def test_a_repeated_fault_is_measured_against_the_quiet_before_it_and_not_against_the_last_one() -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 20, rtt_ms=1)
        story.well(link, 20, 30, rtt_ms=201 if link in HIT else 1)
        story.well(link, 30, 34, rtt_ms=1)
        story.well(link, 34, 40, rtt_ms=201 if link in HIT else 1)
        story.well(link, 40, 48, rtt_ms=1)
    acts = [act("latency", mean="100ms"), act("latency", mean="100ms", fault_id="f2", begin_s=34, end_s=40)]
    assert [receipt.proved for receipt in prove(acts, story.history(), LINKS)] == [True, True]


@pytest.mark.parametrize(("whole", "name"), [(True, "stall"), (False, "blackhole")])
def test_a_silence_after_which_all_came_is_a_stall_and_one_that_lost_something_a_blackhole(
    whole: bool, name: str
) -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 20)
        if link in SPARED:
            story.well(link, 20, 38)
        else:
            story.silent(link, 19.9, 30.1, whole=whole)
            story.tried(link, 24, "hung", took_ms=3000)
            story.well(link, 31, 38)
    proved = {one: proof(act(one), story).proved for one in ("stall", "blackhole")}
    assert proved == {"stall": name == "stall", "blackhole": name == "blackhole"}


@pytest.mark.parametrize("closed_s", [30.01, 29.98], ids=["after", "a little early by another's clock"])
def test_an_attempt_that_was_still_waiting_when_the_fault_ended_had_hung(closed_s: float) -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 20)
        if link in SPARED:
            story.well(link, 20, 38)
        else:
            story.seen(link, 20, 30)
            for at_s in (23.1, 26.2):
                story.tried(link, at_s, "hung", took_ms=3000)
            story.tried(link, closed_s, "closed", took_ms=2500)
            story.well(link, 31, 38)
    assert proof(act("hang"), story).proved


def test_how_exact_a_fault_began_is_measured() -> None:
    late = replace(act("refuse"), began_ns={"worker-1": 20 * S + 3 * MS, "worker-2": 20 * S + 7 * MS})
    receipt = proof(late, story_of_a_refusal())
    assert receipt.measured["start_spread_ms"] == pytest.approx(4)
    assert receipt.measured["start_error_ms"] == pytest.approx(3)


# -- containers --------------------------------------------


def life(story: Story, at_s: float, by: str) -> None:
    story.add(ProcessStarted, at_s, by, role="worker", incarnation=f"{at_s}", settings=msgspec.Raw(b"{}"))


def lines(story: Story, by: str, *moments: float) -> None:
    for at_s in moments:
        story.add(TrafficTotals, at_s, by)


def looks(status: str, container: str = "worker-1", **more: Any) -> list[ContainerSample]:
    return [ContainerSample(container, round(half_s / 2 * S), status, **more) for half_s in range(41, 72)]


def test_a_pause_is_proved_by_the_engine_and_by_a_journal_that_was_stopped() -> None:
    story = Story()
    lines(story, "worker-1", 10, 15, 31, 32)
    receipt = proof(act("pause", ["worker-1"]), story, sights=looks("paused"))
    assert receipt.proved, receipt.because
    assert receipt.observers == ["engine", "worker-1"]


def test_a_pause_in_which_the_process_went_on_writing_is_not_proved() -> None:
    story = Story()
    lines(story, "worker-1", 10, 25, 31)
    assert not proof(act("pause", ["worker-1"]), story, sights=looks("paused")).proved


def test_a_kill_is_proved_by_a_new_life_and_no_goodbye() -> None:
    story = Story()
    life(story, 1, "worker-1")
    life(story, 31, "worker-1")
    fault = act("kill", ["worker-1"])
    assert proof(fault, story, sights=looks("exited")).proved
    story.add(ProcessStopping, 20.1, "worker-1", reason="SIGTERM")
    assert not proof(fault, story, sights=looks("exited")).proved


def test_a_restart_is_proved_by_a_new_life() -> None:
    story = Story()
    life(story, 1, "worker-1")
    assert not proof(act("restart", ["worker-1"]), story).proved
    life(story, 21, "worker-1")
    assert proof(act("restart", ["worker-1"]), story).proved


def test_an_unplugged_worker_must_have_been_noticed_when_it_was_long() -> None:
    story = Story()
    lines(story, "worker-1", 10, 25)
    fault, sights = act("unplug", ["worker-1"], end_s=35), looks("running", plugged=False)
    assert not proof(fault, story, sights=sights).proved
    story.add(
        WorkerLost,
        26,
        "coordinator",
        worker="worker-1",
        session="s",
        kind="heartbeat_timeout",
        detail="",
        silent_ms=1,
    )
    assert proof(fault, story, sights=sights).proved


def test_a_fault_at_the_coordinator_is_seen_on_every_link() -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 20)
        story.silent(link, 19.9, 30.1)
        story.well(link, 31, 38)
    lines(story, "coordinator", 10, 31)
    fault = act("pause", ["coordinator"])
    assert proof(fault, story, sights=looks("paused", "coordinator")).proved
    story.well("worker-6", 10, 38)
    assert not proof(fault, story, sights=looks("paused", "coordinator")).proved


def test_a_connection_that_was_made_again_before_the_clock_was_read_counts_after_a_cut() -> None:
    story = Story()
    for link in LINKS:
        story.seen(link, 15, 16)
        story.seen(link, 24, 25)
        if link in HIT:
            story.ended(link, 19.999, "fin")
            story.tried(link, 20.002, "answered", took_ms=2.5)
    assert proof(act("cut"), story).proved


def test_a_restart_of_toxiproxy_is_seen_by_links_that_break_and_come_back() -> None:
    story = Story()
    for link in LINKS:
        story.well(link, 10, 20)
        story.ended(link, 20.1, "fin")
        story.opened(link, 22)
        story.well(link, 22, 38)
    fault = act("restart", ["toxiproxy"])
    assert proof(fault, story).proved
    story.well("worker-6", 10, 38)
    assert not proof(fault, story).proved


def test_what_hits_the_coordinator_is_no_straying_of_a_link_fault() -> None:
    story = story_of_a_refusal()
    for link in SPARED:
        story.silent(link, 24.9, 26.1)
    pause = act("pause", ["coordinator"], "f2", 25, 26)
    receipt = proof(act("refuse"), story, [act("refuse"), pause])
    assert (receipt.strayed, receipt.spared) == ([], [])
