"""Attempts of a task: leases, losses, returns, checkpoints, and the next attempt."""

from __future__ import annotations

import hashlib

import pytest

from tests.coordinator.harness import CoordinatorHarness
from wire.messages import Checkpoint, Heartbeat


def checkpoint(step: int) -> Checkpoint:
    state = f"state after {step}".encode()
    return Checkpoint(step, state, hashlib.sha256(state).digest())


def test_a_lease_that_ran_out_gives_the_task_to_another_with_a_newer_token() -> None:
    world = CoordinatorHarness(lease_ms=10_000, heartbeat_interval_ms=2_000)
    lost, other = world.peer("worker-1"), world.peer("worker-2")
    world.submit("a")
    holder = lost if lost.assigned else other
    free = other if holder is lost else lost
    holder.cut()
    for _ in range(11):
        world.advance(1_000)
        free.beat()
    assert free.assigned == []
    world.advance(1_000)
    assert [assign.attempt for assign in free.assigned] == [2]
    assert free.assigned[0].token > holder.assigned[0].token


def test_a_task_waits_again_only_once_the_end_of_its_attempt_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    assert len(peer.assigned) == 1
    peer.hand_back(peer.assigned[0], settle=False)
    assert len(peer.assigned) == 1
    world.settle()
    assert len(peer.assigned) == 2


def test_an_attempt_is_not_over_before_its_end_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", settle=False)
    world.store_now()
    beginning = world.core.effects.take_rows()
    peer.hand_back(peer.assigned[0], settle=False)
    world.core.on_stored(world.now_ns, beginning)
    assert len(peer.assigned) == 1
    world.settle()
    assert len(peer.assigned) == 2


def test_a_worker_cannot_take_back_an_attempt_that_was_given_up() -> None:
    world = CoordinatorHarness()
    zombie = world.peer()
    world.submit("a")
    old = zombie.assigned[0]
    zombie.cut()
    world.advance(20_000)
    zombie.connect()
    zombie.inventory(old)
    assert old.token in zombie.revoked
    assert [assign.attempt for assign in zombie.assigned] == [1, 2]


def test_an_assignment_in_transit_keeps_its_lease_while_its_worker_sends_heartbeats() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    for _ in range(30):
        world.advance(1_000)
        beat = peer.frame(Heartbeat(world.now_ns, 2_000, []))
        world.core.on_bytes(world.now_ns, peer.connection, beat)
    assert world.events_of("attempt_lost") == []
    assert len(peer.assigned) == 1


def test_an_assignment_sent_again_after_a_reconnect_gets_a_new_lease() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    peer.cut()
    world.advance(9_000)
    peer.connect()
    peer.inventory()
    world.advance(5_000)
    assert world.events_of("attempt_lost") == []


def test_heartbeats_that_name_an_attempt_keep_it() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    assign = peer.assigned[0]
    for _ in range(30):
        world.advance(1_000)
        assert peer.beat(assign).tokens == [assign.token]
    assert world.events_of("attempt_lost") == []


def test_an_attempt_missing_from_its_workers_heartbeats_is_lost_and_revoked() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    assign = peer.assigned[0]
    for _ in range(13):
        world.advance(1_000)
        peer.beat()
    assert [line["reason"] for line in world.events_of("attempt_lost")] == ["its lease ran out"]
    assert assign.token in peer.revoked


def test_a_connected_worker_without_progress_shows_its_idle_time() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    for step in (1, 2, 2, 2):
        world.advance(1_000)
        peer.beat(peer.assigned[0], step=step)
    state = world.core.state(world.now_ns).workers[0]
    assert (state.still_ms, state.heard_ms_ago) == (2_000, 0)


def test_an_unknown_attempt_is_revoked_at_its_second_heartbeat() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    assign = peer.assigned[0]
    peer.finish(assign)
    assert peer.beat(assign).tokens == []
    assert peer.revoked == []
    peer.beat(assign)
    assert peer.revoked == [assign.token]


def test_lost_attempts_are_tried_again_so_often_and_then_the_task_fails_with_the_reason() -> None:
    world = CoordinatorHarness(max_attempts=2)
    world.submit("a")
    for _ in range(2):
        peer = world.peer("worker-1")
        assert peer.assigned
    world.peer("worker-1")
    done = world.events_of("task_done")
    assert [(line["outcome"], line["attempts"]) for line in done] == [("failed", 2)]
    assert "a new process of the same name" in done[0]["error"]


def test_what_is_handed_back_is_no_strike_against_the_task() -> None:
    world = CoordinatorHarness(max_attempts=1)
    peer = world.peer()
    world.submit("a")
    for n in range(5):
        peer.hand_back(peer.assigned[n])
    peer.finish(peer.assigned[5])
    assert world.outcomes() == {"a": "completed"}


def test_what_is_handed_back_for_ever_fails_in_the_end() -> None:
    world = CoordinatorHarness(max_attempts=1)
    peer = world.peer()
    world.submit("a")
    for n in range(10):
        peer.hand_back(peer.assigned[n])
    assert world.outcomes() == {"a": "failed"}


def test_an_assignment_that_was_lost_on_its_way_is_a_revocation_when_the_worker_is_back() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    peer.cut()
    world.advance(20_000)
    peer.connect()
    peer.inventory()
    lost = world.events_of("attempt_lost")[0]["token"]
    assert lost not in [assign.token for assign in peer.assigned]
    assert lost in peer.revoked


def test_a_checkpoint_travels_to_the_next_attempt() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.save(peer.assigned[0], checkpoint(3))
    peer.save(peer.assigned[0], checkpoint(7))
    peer.hand_back(peer.assigned[0])
    again = peer.assigned[1]
    assert again.checkpoint == checkpoint(7)
    assert again.reached_step == 7
    assert world.events_of("assigned")[1]["from_step"] == 7


def test_a_checkpoint_is_published_and_acknowledged_once_it_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.save(peer.assigned[0], checkpoint(3))
    assert [line["step"] for line in world.events_of("checkpoint_committed")] == [3]
    assert peer.channel.depth == 0


def test_progress_beyond_the_checkpoint_is_remembered_for_the_next_attempt() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.save(peer.assigned[0], checkpoint(3))
    peer.beat(peer.assigned[0], step=5)
    peer.hand_back(peer.assigned[0])
    assert peer.assigned[1].reached_step == 5


@pytest.mark.parametrize("because", ["older", "damaged", "stale"])
def test_a_checkpoint_that_is_no_good_is_refused(because: str) -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    assign = peer.assigned[0]
    peer.save(assign, checkpoint(3))
    bad = {
        "older": checkpoint(3),
        "damaged": Checkpoint(4, b"state", bytes(32)),
        "stale": checkpoint(4),
    }[because]
    if because == "stale":
        peer.hand_back(assign)
    peer.save(assign, bad)
    assert [line["because"] for line in world.events_of("checkpoint_refused")] == [because]
    assert len(world.events_of("checkpoint_committed")) == 1
