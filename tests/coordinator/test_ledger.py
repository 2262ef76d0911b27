"""Guarantees of the ledger: a task is accepted once, leased to one worker at a time, and counted once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.coordinator.harness import CoordinatorHarness
from wire.control import TaskSpec
from wire.limits import PARAMS_BYTES

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


def test_a_worker_is_given_no_more_than_the_lab_says_whatever_it_declares() -> None:
    world = CoordinatorHarness(held=3)
    greedy = world.peer("worker-1", slots=1_000, prefetch=1_000)
    world.submit(*"abcdefgh")
    assert len(greedy.assigned) == 3


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
