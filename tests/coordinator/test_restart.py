"""A `kill -9` of the coordinator costs time, and nothing else."""

from __future__ import annotations

import hashlib

import pytest

from coordinator.proofs import PROOF_BYTES
from coordinator.session import NEVER_NS
from tests.coordinator.harness import CoordinatorHarness, FakePeer
from wire.messages import Assign, AttemptReport, Checkpoint, Heartbeat, HeldAttempt, Progress


def test_the_epoch_and_the_tokens_grow() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=2)
    world.submit("a")
    before = peer.assigned[0].token
    world.crash()
    peer.connect()
    peer.inventory(*peer.assigned)
    world.submit("b")
    assert world.core.epoch == 2
    assert peer.assigned[1].token > before


def test_a_session_is_resumed_and_its_attempt_goes_on() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    world.crash()
    welcome = peer.connect()
    assert (welcome.outcome, welcome.new_stream, welcome.epoch) == ("resumed", True, 2)
    peer.inventory(held)
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert world.events_of("attempt_lost") == []


def test_a_result_that_was_not_durable_comes_again_and_counts_once() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    peer.finish(held, settle=False)
    world.crash()
    welcome = peer.connect()
    assert welcome.received == 0
    peer.inventory(held)
    assert world.outcomes() == {"a": "completed"}
    assert peer.results_acknowledged() == ["a"]


def test_a_result_that_was_durable_and_not_acknowledged_is_not_counted_again() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0], settle=False)
    world.store.commit(world.take_rows())
    world.crash()
    welcome = peer.connect()
    assert welcome.received == 1
    assert peer.results_acknowledged() == ["a"]
    peer.inventory()
    assert world.outcomes() == {"a": "completed"}
    assert world.core.ledger.counts().completed == 1


def test_a_line_that_the_crash_swallowed_is_written_after_it() -> None:
    world = CoordinatorHarness()
    world.submit("a", settle=False)
    world.store.commit(world.take_rows())
    assert world.events_of("submitted") == []
    world.crash()
    assert [line["task"] for line in world.events_of("submitted")] == ["a"]


def test_an_attempt_is_kept_for_the_grace_period_and_then_given_to_another() -> None:
    world = CoordinatorHarness(grace_ms=15_000, lease_ms=10_000)
    holder = world.peer("worker-1")
    world.submit("a")
    assert holder.assigned
    world.crash()
    other = world.peer("worker-2")
    for _ in range(14):
        world.advance(1_000)
        other.beat()
    assert other.assigned == []
    world.advance(1_100)
    assert [assign.attempt for assign in other.assigned] == [2]


def test_grace_is_never_shorter_than_a_lease_that_the_worker_may_still_hold() -> None:
    world = CoordinatorHarness(grace_ms=0, lease_ms=10_000)
    holder = world.peer("worker-1")
    world.submit("a")
    assert holder.assigned
    world.crash()
    other = world.peer("worker-2")
    for _ in range(9):
        world.advance(1_000)
        other.beat()
    assert other.assigned == []


def test_an_attempt_missing_from_the_disk_is_adopted() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", settle=False)
    world.store_now()
    held = peer.assigned[0]
    world.crash()
    peer.connect()
    peer.inventory(held)
    assert len(peer.assigned) == 1
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}


def test_an_adopted_task_is_not_given_to_another() -> None:
    world = CoordinatorHarness()
    peer = world.peer("worker-1")
    world.submit("a", settle=False)
    world.store_now()
    held = peer.assigned[0]
    world.crash()
    world.advance(2_000)
    peer.connect()
    peer.inventory(held)
    world.submit("b")
    other = world.peer("worker-2", slots=2)
    assert [assign.task_id for assign in other.assigned] == ["b"]
    assert world.balanced()
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}


def forgotten(world: CoordinatorHarness, holder: FakePeer, name: str = "a") -> Assign:
    """An attempt that `holder` was assigned, and that the disk lacks after a crash."""
    world.submit(name, settle=False)
    world.store_now()
    held = holder.assigned[-1]
    world.crash()
    return held


def test_an_attempt_is_not_adopted_after_the_recovery_holds_of_the_restart() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    held = forgotten(world, peer)
    world.advance(20_000)
    peer.connect()
    peer.inventory(held)
    assert peer.revoked == [held.token]
    peer.finish(held)
    assert world.outcomes() == {}
    assert [line["because"] for line in world.events_of("result_refused")] == ["stale"]


@pytest.mark.parametrize("proof", ["none", "a guess", "its own", "the holder's"])
def test_an_attempt_of_another_worker_is_not_adopted_whatever_proof_is_shown(proof: str) -> None:
    world = CoordinatorHarness()
    thief, holder = world.peer("worker-1"), world.peer("worker-2")
    world.submit("the thief's own")
    own = thief.assigned[0]
    held = forgotten(world, holder)
    proofs = {"none": b"", "a guess": bytes(PROOF_BYTES), "its own": own.proof, "the holder's": held.proof}
    thief.connect()
    thief.send_frame(
        AttemptReport(
            [HeldAttempt(own.task_id, own.token), HeldAttempt(held.task_id, held.token, proofs[proof])]
        )
    )
    assert thief.revoked == [held.token]
    thief.finish(held)
    assert world.outcomes() == {}
    holder.connect()
    holder.inventory(held)
    holder.finish(held)
    assert [line["worker"] for line in world.events_of("task_done")] == ["worker-2"]
    assert world.balanced()


def test_an_attempt_on_the_disk_is_not_taken_from_its_holder_by_a_claim() -> None:
    world = CoordinatorHarness()
    thief, holder = world.peer("worker-1", slots=0), world.peer("worker-2")
    world.submit("a")
    held = holder.assigned[0]
    world.crash()
    thief.connect()
    thief.send_frame(AttemptReport([HeldAttempt("a", held.token), HeldAttempt("a", held.token + 1)]))
    holder.connect()
    holder.inventory(held)
    assert holder.revoked == []
    holder.finish(held)
    assert [line["worker"] for line in world.events_of("task_done")] == ["worker-2"]


def test_a_claim_without_proof_holds_no_task_back_that_is_submitted_later() -> None:
    world = CoordinatorHarness()
    liar = world.peer("worker-1")
    world.crash()
    liar.connect()
    liar.send_frame(AttemptReport([HeldAttempt("a", 1)]))
    world.submit("a", at_once=True)
    assert [assign.task_id for assign in liar.assigned] == ["a"]


def test_a_waiting_task_is_also_held_for_a_process_with_a_reset_session() -> None:
    world = CoordinatorHarness()
    peer, other = world.peer("worker-1"), world.peer("worker-2", slots=0)
    world.submit("a", settle=False)
    world.store_now()
    held = peer.assigned[0]
    world.crash()
    other.slots = 1
    other.connect()
    other.inventory()
    peer.session = None
    assert peer.connect().outcome == "reset"
    assert other.assigned == []
    peer.inventory(held)
    assert other.assigned == []
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}


def test_what_waited_is_given_in_the_order_in_which_it_came() -> None:
    world = CoordinatorHarness()
    world.submit("a", "b", "c")
    world.crash()
    world.submit("d")
    peer = world.peer(slots=4)
    assert [assign.task_id for assign in peer.assigned] == ["a", "b", "c", "d"]


def test_what_waited_is_held_until_every_connected_worker_has_spoken() -> None:
    world = CoordinatorHarness()
    first, second = world.peer("worker-1"), world.peer("worker-2")
    world.submit("a", "b", "c")
    held = [*first.assigned, *second.assigned]
    assert len(held) == 2
    world.crash()
    first.connect()
    first.inventory(first.assigned[0])
    first.finish(first.assigned[0])
    assert len(first.assigned) == 1
    second.connect()
    second.inventory(second.assigned[0])
    assert [assign.task_id for assign in first.assigned[1:]] == ["c"]


def test_what_waited_is_not_held_for_a_worker_that_was_lost_before() -> None:
    world = CoordinatorHarness()
    lost = world.peer("worker-1")
    lost.cut()
    world.submit("a")
    world.crash()
    other = world.peer("worker-2")
    assert [assign.task_id for assign in other.assigned] == ["a"]


def test_what_waited_is_held_no_longer_than_the_grace_period() -> None:
    world = CoordinatorHarness(grace_ms=10_000)
    world.peer("worker-1", slots=0)
    world.submit("a")
    world.crash()
    other = world.peer("worker-2")
    for _ in range(9):
        world.advance(1_000)
        other.beat()
    assert other.assigned == []
    world.advance(1_100)
    assert [assign.task_id for assign in other.assigned] == ["a"]
    assert world.core.next_due_ns() < NEVER_NS


def test_what_is_submitted_after_the_restart_waits_for_no_report() -> None:
    world = CoordinatorHarness()
    world.peer("worker-1")
    world.crash()
    other = world.peer("worker-2")
    world.submit("new")
    assert [assign.task_id for assign in other.assigned] == ["new"]


def test_a_durable_checkpoint_outlives_the_crash() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    state = b"half way"
    kept = Checkpoint(4, state, hashlib.sha256(state).digest())
    peer.save(peer.assigned[0], kept)
    world.crash()
    peer.connect()
    peer.inventory()
    assert peer.assigned[1].checkpoint == kept


def test_crashing_again_before_the_worker_is_back_loses_nothing() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    for _ in range(3):
        world.crash()
    peer.connect()
    peer.inventory(held)
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert peer.results_acknowledged() == ["a"]


def test_a_crash_between_welcome_and_first_word_leaves_the_session_resumable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    world.crash()
    peer.send_hello()
    world.settle()
    assert peer.connect().outcome == "resumed"
    peer.inventory(held)
    assert len(peer.assigned) == 1


def test_a_task_that_was_done_is_still_done_after_a_restart() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0])
    world.crash()
    assert world.submit("a").known == 1
    assert world.core.ledger.counts().completed == 1


def test_an_attempt_that_was_given_up_before_the_crash_is_not_adopted_after_it() -> None:
    world = CoordinatorHarness()
    zombie = world.peer()
    world.submit("a")
    old = zombie.assigned[0]
    zombie.cut()
    world.advance(20_000)
    world.crash()
    zombie.connect()
    zombie.inventory(old)
    assert [assign.attempt for assign in zombie.assigned] == [1, 2]


def test_failures_and_steps_outlive_the_crash() -> None:
    world = CoordinatorHarness(max_attempts=2)
    peer = world.peer()
    world.submit("a", retry_errors=True)
    peer.send_frame(Heartbeat(world.now_ns, 2_000, [Progress(peer.assigned[0].token, 3)]))
    peer.finish(peer.assigned[0], error="first")
    world.crash()
    peer.connect()
    peer.inventory()
    again = peer.assigned[-1]
    assert (again.attempt, again.reached_step) == (3, 3)
    peer.finish(again, error="second")
    assert world.outcomes() == {"a": "failed"}
