"""Workers that stay connected and end no task: when their leases end, and when they are given work again."""

from __future__ import annotations

import msgspec
import pytest

from tests.coordinator.harness import CoordinatorHarness


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
