"""Guarantees of the ledger: a task is accepted once, leased to one worker at a time, and counted once."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from tests.coordinator.harness import CoordinatorHarness
from wire.control import TaskSpec
from wire.limits import PARAMS_BYTES
from wire.messages import Checkpoint, Heartbeat


def checkpoint(step: int) -> Checkpoint:
    state = f"state after {step}".encode()
    return Checkpoint(step, state, hashlib.sha256(state).digest())


# -- tasks come in -----------------------------------------


def test_a_task_is_given_out_only_once_it_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", settle=False)
    assert peer.assigned == []
    world.settle()
    assert [assign.task_id for assign in peer.assigned] == ["a"]


def test_a_task_is_published_only_once_it_is_durable() -> None:
    world = CoordinatorHarness()
    world.submit("a", settle=False)
    assert world.events_of("submitted") == []
    world.settle()
    assert [line["task"] for line in world.events_of("submitted")] == ["a"]


def test_the_same_task_is_taken_once() -> None:
    world = CoordinatorHarness()
    assert world.submit("a", "a", settle=False).known == 1
    assert world.submit("a").known == 1
    peer = world.peer()
    peer.finish(peer.assigned[0])
    assert world.submit("a").known == 1
    assert world.core.ledger.counts().submitted == 1


def test_a_full_queue_refuses_and_says_so() -> None:
    world = CoordinatorHarness(waiting_tasks=2)
    answer = world.submit("a", "b", "c")
    assert answer.accepted == 2
    assert [(task.task_id, "queue is full" in task.because) for task in answer.refused] == [("c", True)]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"timeout_ms": 0}, "timeout_ms"),
        ({"timeout_ms": 1 << 70}, "timeout_ms"),
        ({"intended_ns": 1 << 70}, "intended_ns"),
        ({"max_attempts": -1}, "max_attempts"),
        ({"params": b'"' + b"x" * PARAMS_BYTES + b'"'}, "params"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_by_name(fields: dict[str, Any], word: str) -> None:
    world = CoordinatorHarness()
    answer = world.submit("a", **fields)
    assert answer.accepted == 0
    assert word in answer.refused[0].because


def test_a_bad_task_does_not_hold_up_the_others() -> None:
    world = CoordinatorHarness()
    answer = world.submit("", "b")
    assert (answer.accepted, len(answer.refused)) == (1, 1)


def test_params_that_are_too_large_refuse_their_task_alone_with_a_sentence() -> None:
    world = CoordinatorHarness()
    large = TaskSpec(task_id="a", kind="noop", params=msgspec.Raw(b'"' + b"x" * PARAMS_BYTES + b'"'))
    answer = world.core.on_submit(world.now_ns, [large, TaskSpec(task_id="b", kind="noop")])
    assert answer.accepted == 1
    assert [(task.task_id, task.because) for task in answer.refused] == [
        ("a", f"params must have at most {PARAMS_BYTES} bytes; found {PARAMS_BYTES + 2}")
    ]


# -- assignment --------------------------------------------


def test_a_task_goes_to_the_worker_with_the_fewest() -> None:
    world = CoordinatorHarness()
    busy = world.peer("worker-1", slots=4)
    world.submit("a", "b")
    assert len(busy.assigned) == 2
    free = world.peer("worker-2", slots=4)
    world.submit("c", "d")
    assert [len(busy.assigned), len(free.assigned)] == [2, 2]


def test_equal_workers_take_turns() -> None:
    world = CoordinatorHarness()
    peers = [world.peer(f"worker-{n}", slots=1) for n in (1, 2, 3)]
    for n in range(6):
        world.submit(f"t{n}")
        peer = next(peer for peer in peers if any(a.task_id == f"t{n}" for a in peer.assigned))
        peer.finish(peer.assigned[-1])
    assert [len(peer.assigned) for peer in peers] == [2, 2, 2]


def test_no_worker_holds_more_than_its_slots_and_prefetch() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=2, prefetch=1)
    world.submit("a", "b", "c", "d")
    assert len(peer.assigned) == 3
    peer.finish(peer.assigned[0])
    assert len(peer.assigned) == 4


def test_the_urgent_overtakes_what_waits() -> None:
    world = CoordinatorHarness()
    world.submit("slow", priority="background")
    world.submit("now", priority="critical")
    peer = world.peer()
    assert [assign.task_id for assign in peer.assigned] == ["now"]


# -- results -----------------------------------------------


def test_a_result_is_acknowledged_and_published_only_once_it_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0], settle=False)
    assert peer.results_acknowledged() == []
    assert world.events_of("task_done") == []
    world.settle()
    assert peer.results_acknowledged() == ["a"]
    assert world.outcomes() == {"a": "completed"}


def test_a_worker_is_free_for_the_next_task_as_soon_as_it_reports() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", "b")
    peer.finish(peer.assigned[0], settle=False)
    assert [assign.task_id for assign in peer.assigned] == ["a", "b"]


def test_a_second_result_is_a_duplicate_and_is_acknowledged_too() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0])
    peer.finish(peer.assigned[0])
    assert [line["because"] for line in world.events_of("result_refused")] == ["duplicate"]
    assert peer.results_acknowledged() == ["a", "a"]
    assert len(world.events_of("task_done")) == 1


def test_a_second_result_is_a_duplicate_even_before_the_first_is_durable() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0], settle=False)
    peer.finish(peer.assigned[0])
    assert [line["because"] for line in world.events_of("result_refused")] == ["duplicate"]
    assert len(world.events_of("task_done")) == 1


def test_a_result_of_an_older_attempt_is_stale_and_is_acknowledged() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    zombie = world.peer("worker-1")
    world.submit("a")
    old = zombie.assigned[0]
    zombie.cut()
    world.advance(20_000)
    other = world.peer("worker-2")
    new = other.assigned[0]
    assert new.task_id == "a"
    assert new.token > old.token
    zombie.connect()
    zombie.inventory()
    zombie.finish(old)
    assert [line["because"] for line in world.events_of("result_refused")] == ["stale"]
    assert zombie.results_acknowledged() == ["a"]
    other.finish(new)
    assert [line["token"] for line in world.events_of("task_done")] == [new.token]


def test_a_result_of_a_task_that_was_never_submitted_is_unknown() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    ours = peer.assigned[0]
    peer.finish(msgspec.structs.replace(ours, task_id="other"))
    assert [line["because"] for line in world.events_of("result_refused")] == ["unknown"]
    assert world.outcomes() == {}


def test_an_error_of_the_task_itself_fails_it_at_once() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.finish(peer.assigned[0], error="division by zero")
    assert [(line["outcome"], line["error"]) for line in world.events_of("task_done")] == [
        ("failed", "division by zero")
    ]


def test_an_error_is_tried_again_where_the_task_asks_for_it_and_no_longer_than_that() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", retry_errors=True, max_attempts=2)
    peer.finish(peer.assigned[0], error="flaky")
    assert world.outcomes() == {}
    assert [assign.attempt for assign in peer.assigned] == [1, 2]
    peer.finish(peer.assigned[1], error="flaky")
    assert world.outcomes() == {"a": "failed"}
    assert "flaky" in world.events_of("task_done")[0]["error"]
    assert world.events_of("task_done")[0]["attempts"] == 2


# -- attempts that are lost --------------------------------


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


# -- checkpoints -------------------------------------------


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


# -- the books ---------------------------------------------


def test_the_books_balance_at_every_moment() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=2)
    moments = []
    for n in range(6):
        world.submit(f"t{n}", settle=False)
        moments.append(world.balanced())
    world.settle()
    for n in range(6):
        moments.append(world.balanced())
        peer.finish(peer.assigned[n], error="no" if n % 2 else "", settle=False)
        moments.append(world.balanced())
        world.settle()
        peer.receive()
    counts = world.core.ledger.counts()
    assert all(moments)
    assert (counts.submitted, counts.completed, counts.failed) == (6, 3, 3)


def test_a_worker_is_given_no_more_than_the_lab_says_whatever_it_declares() -> None:
    world = CoordinatorHarness(held=3)
    greedy = world.peer("worker-1", slots=1_000, prefetch=1_000)
    world.submit(*"abcdefgh")
    assert len(greedy.assigned) == 3


@pytest.mark.parametrize("step", [0, 7])
def test_a_worker_that_only_sends_heartbeats_loses_what_it_holds_and_is_given_nothing(step: int) -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    idle = world.peer("worker-1", slots=4)
    world.submit("a", "b", timeout_ms=20_000)
    held = idle.assigned
    for beat in range(80):
        idle.beat(*held, step=step * beat)
        world.advance(500)
    assert set(idle.revoked) == {assign.token for assign in held}
    assert [line["reason"] for line in world.events_of("attempt_lost")] == ["its lease ran out"] * 2
    assert len(idle.assigned) == 2
    other = world.peer("worker-2", slots=4)
    assert sorted(assign.task_id for assign in other.assigned) == ["a", "b"]
    assert world.core.counters.totals[("workers_stalled", "")] == 1


@pytest.mark.parametrize("answer", ["hand back", "result"])
def test_a_stalled_worker_that_reports_an_end_after_its_lease_ran_out_is_given_work_again(
    answer: str,
) -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    slow = world.peer("worker-1", slots=4)
    world.submit("a", "b", timeout_ms=20_000)
    held = slow.assigned
    for _ in range(80):
        slow.beat(*held)
        world.advance(500)
    assert len(world.events_of("attempt_lost")) == 2
    if answer == "result":
        slow.finish(held[0])
    else:
        slow.hand_back(held[0])
    assert {assign.task_id for assign in slow.assigned[2:]} == {"a", "b"}


def test_a_stalled_worker_that_reports_an_end_of_what_it_never_had_is_given_nothing() -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    idle = world.peer("worker-1", slots=4)
    world.submit("a", "b", timeout_ms=20_000)
    held = idle.assigned
    for _ in range(80):
        idle.beat(*held)
        world.advance(500)
    idle.hand_back(msgspec.structs.replace(held[0], token=held[1].token + 1))
    assert len(idle.assigned) == 2


def test_a_worker_that_ends_one_task_within_each_limit_keeps_the_leases_of_all() -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    slow = world.peer("worker-1", slots=4)
    world.submit(*"abcd", timeout_ms=20_000)
    held = list(slow.assigned)
    while held:
        for _ in range(38):
            slow.beat(*held)
            world.advance(500)
        slow.finish(held.pop())
    assert world.events_of("attempt_lost") == []
    assert len(world.outcomes()) == 4


def test_a_task_without_a_time_limit_may_take_as_long_as_its_worker_lives() -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    peer = world.peer("worker-1", slots=4)
    world.submit("a", timeout_ms=0)
    for _ in range(300):
        peer.beat(*peer.assigned)
        world.advance(500)
    assert world.events_of("attempt_lost") == []


def test_a_worker_that_waited_long_for_its_first_task_has_all_the_time_for_it() -> None:
    world = CoordinatorHarness(lease_ms=5_000)
    peer = world.peer("worker-1", slots=4)
    for _ in range(200):
        peer.beat()
        world.advance(500)
    world.submit("a", timeout_ms=20_000)
    for _ in range(38):
        peer.beat(*peer.assigned)
        world.advance(500)
    peer.finish(peer.assigned[0])
    assert world.outcomes() == {"a": "completed"}
