"""A submitter that waits for the result gets no answer before it is durable: so its task may be assigned
before its row is, and nothing else changes.
"""

from __future__ import annotations

from coordinator.effects import Effects
from coordinator.rows import AttemptRow, ReceivedRow, TaskRow
from tests.coordinator.harness import MS, CoordinatorHarness, FakePeer
from wire.priority import Priority


def at_once(world: CoordinatorHarness, *names: str, settle: bool = False) -> None:
    """Submit tasks with a wait for their results."""
    world.submit(*names, settle=settle, at_once=True)


def names(world: CoordinatorHarness) -> list[str]:
    """The tasks that were assigned, in order."""
    return [line["task"] for line in world.events_of("assigned")]


# -- while all goes well -----------------------------------


def test_a_free_worker_has_it_before_the_disk() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    at_once(world, "a")
    assert [assign.task_id for assign in peer.assigned] == ["a"]
    assert world.events_of("submitted") == []


def test_it_is_given_once() -> None:
    world = CoordinatorHarness()
    first, second = world.peer("worker-1", slots=4), world.peer("worker-2", slots=4)
    at_once(world, "a", settle=True)
    world.advance(5)
    assert len(first.assigned) + len(second.assigned) == 1
    assert world.balanced()


def test_its_rows_and_its_result_may_share_a_transaction() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    at_once(world, "a")
    peer.finish(peer.assigned[0], settle=False)
    counts = world.core.ledger.counts()
    assert (counts.submitted, counts.completed, counts.assigned, counts.waiting) == (0, 0, 0, 0)
    world.store_now()
    counts = world.core.ledger.counts()
    assert (counts.submitted, counts.completed, counts.assigned, counts.waiting) == (1, 1, 0, 0)
    assert [line["event"] for line in world.lines if line.get("task") == "a"] == [
        "assigned",
        "submitted",
        "task_done",
    ]


def test_one_without_a_free_worker_waits_as_any_other() -> None:
    world = CoordinatorHarness()
    at_once(world, "a")
    assert names(world) == []
    world.settle()
    assert world.core.ledger.counts().waiting == 1
    peer = world.peer()
    assert [assign.task_id for assign in peer.assigned] == ["a"]


def test_it_overtakes_none_that_came_before() -> None:
    world = CoordinatorHarness()
    world.peer(slots=4)
    world.submit("a", settle=False)
    at_once(world, "b")
    assert names(world) == []
    world.settle()
    assert names(world) == ["a", "b"]


def test_lost_before_it_is_durable_it_waits_again_once_it_is() -> None:
    world = CoordinatorHarness()
    first = world.peer("worker-1")
    at_once(world, "a")
    first.hand_back(first.assigned[0], settle=False)
    assert names(world) == ["a"]
    world.settle()
    assert names(world) == ["a", "a"]
    assert world.balanced()


def test_its_rows_linger_and_those_of_one_that_waits_do_not() -> None:
    task = TaskRow(1, "a", "noop", b"", Priority.normal, 0, 1, 0, False)
    given = AttemptRow(1, "a", 7, "session", 1, 0, True, 0)
    assert Effects(rows=[task, given]).may_linger()
    assert not Effects(rows=[task]).may_linger()
    assert not Effects(rows=[task, AttemptRow(2, "b", 7, "session", 1, 0, True, 0)]).may_linger()
    assert not Effects(rows=[task, given, ReceivedRow("session", 1)]).may_linger()


# -- after a crash that forgot it --------------------------


def test_the_result_of_a_forgotten_task_is_refused_and_the_next_attempt_counts() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    at_once(world, "a")
    old = peer.assigned[0]
    world.crash()
    peer.connect()
    peer.inventory(old)
    peer.finish(old)
    assert [line["because"] for line in world.events_of("result_refused")] == ["unknown"]
    world.advance(world.settings.grace_ms)
    at_once(world, "a", settle=True)
    last = world.peer("worker-2")
    last.finish(last.assigned[0])
    assert world.outcomes() == {"a": "completed"}
    assert world.balanced()


def test_until_every_worker_has_reported_it_is_not_assigned_and_its_holder_keeps_it() -> None:
    world = CoordinatorHarness()
    holder = world.peer("worker-1")
    at_once(world, "a")
    old = holder.assigned[0]
    world.crash()
    other = world.peer("worker-2")
    at_once(world, "a", settle=True)
    assert other.assigned == []
    holder.connect()
    holder.inventory(old)
    assert holder.revoked == []
    holder.finish(old)
    assert world.outcomes() == {"a": "completed"}
    assert other.assigned == []


def test_once_every_worker_has_reported_and_none_holds_it_it_is_assigned() -> None:
    world = CoordinatorHarness()
    holder = world.peer("worker-1")
    at_once(world, "a")
    world.crash()
    other = world.peer("worker-2")
    at_once(world, "a", settle=True)
    assert other.assigned == []
    holder.connect()
    holder.inventory()
    assert [assign.task_id for assign in other.assigned] == ["a"]


def claimed_after_a_crash(world: CoordinatorHarness) -> FakePeer:
    """A worker that was assigned "a" at once, before a crash lost the task, and that reported it
    afterwards.
    """
    holder = world.peer("worker-1")
    at_once(world, "a")
    old = holder.assigned[0]
    world.crash()
    holder.connect()
    holder.inventory(old)
    assert holder.revoked == [old.token]
    return holder


def test_one_that_was_claimed_by_a_worker_waits_until_that_lease_is_over() -> None:
    world = CoordinatorHarness()
    holder = claimed_after_a_crash(world)
    other = world.peer("worker-2")
    at_once(world, "a", "b", settle=True)
    assert [assign.task_id for assign in (*holder.assigned[1:], *other.assigned)] == ["b"]
    assert world.balanced()
    world.advance((world.core._grace_ends_ns - world.now_ns) / MS - 1)
    late = world.peer("worker-3", slots=4)
    assert "a" not in [assign.task_id for assign in late.assigned]
    world.advance(2)
    assert "a" in [assign.task_id for assign in late.assigned]


def test_one_that_was_claimed_is_kept_through_another_crash_too() -> None:
    world = CoordinatorHarness()
    claimed_after_a_crash(world).cut()
    at_once(world, "a", settle=True)
    world.crash()
    other = world.peer("worker-2")
    assert other.assigned == []
    world.advance((world.core._grace_ends_ns - world.now_ns) / MS + 2)
    assert [assign.task_id for assign in world.peer("worker-3").assigned] == ["a"]


def test_an_attempt_that_two_crashes_forgot_does_not_count_beside_a_newer_one() -> None:
    world = CoordinatorHarness()
    older = world.peer("worker-1")
    at_once(world, "a")
    old = older.assigned[0]
    world.crash()
    newer = world.peer("worker-2")
    at_once(world, "a", settle=True)
    while (left_ms := (world.core._grace_ends_ns - world.now_ns) / MS) > 1:
        world.advance(min(left_ms - 1, 1_000))
        newer.beat()
    world.now_ns += 2 * MS
    world.core.on_tick(world.now_ns)
    world.store_now()
    new = newer.assigned[0]
    world.crash()
    for peer, assign in ((older, old), (newer, new)):
        peer.connect()
        peer.inventory(assign)
        peer.finish(assign)
    assert [(line["token"], line["because"]) for line in world.events_of("result_refused")] == [
        (old.token, "stale")
    ]
    assert [line["token"] for line in world.events_of("task_done")] == [new.token]
    assert world.balanced()
