"""Two live processes with the name of one worker: the newer one stays, and no task is lost."""

from __future__ import annotations

from coordinator.core import AcceptedHandshake, HandshakeRefusal
from coordinator.session_registry import is_superseded
from tests.coordinator.harness import CoordinatorHarness, hello, session


def refused_with(answer: AcceptedHandshake | HandshakeRefusal) -> tuple[str, int]:
    assert isinstance(answer, HandshakeRefusal), answer
    return answer.refusal.reason, answer.refusal.retry_after_ms


def test_of_two_live_processes_with_one_name_the_newer_stays_and_the_older_waits_ever_longer() -> None:
    world = CoordinatorHarness()
    older = world.peer()
    newer = world.peer()
    answers = [refused_with(older.send_hello()) for _ in range(8)]
    assert [reason for reason, _ in answers] == ["superseded"] * 8
    assert [wait for _, wait in answers] == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    assert newer.beat() is not None
    assert world.core.counters.totals["handshakes_refused", "superseded"] == 8
    assert len(world.events_of("worker_joined")) == 2


def test_two_live_processes_with_one_name_lose_no_task() -> None:
    world = CoordinatorHarness()
    older = world.peer()
    world.submit("a", "b")
    assert len(older.assigned) == 1
    newer = world.peer()
    for count in (1, 2):
        older.send_hello()
        newer.finish(newer.assigned[count - 1])
    assert world.outcomes() == {"a": "completed", "b": "completed"}


def test_the_older_process_is_let_in_once_the_newer_is_silent_for_longer_than_a_lease() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    older = world.peer()
    newer = world.peer()
    world.submit("a")
    newer.cut()
    world.advance(9_900)
    assert refused_with(older.send_hello())[0] == "superseded"
    world.advance(200)
    assert older.connect().outcome == "reset"
    older.inventory()
    older.finish(older.assigned[0])
    assert world.outcomes() == {"a": "completed"}
    assert refused_with(newer.send_hello())[0] == "superseded"


def test_a_newer_process_counts_until_the_last_nanosecond_of_its_lease() -> None:
    newer = session(incarnation="second")
    newer.lost_ns = 1_000
    ends_ns = newer.lost_ns + 10_000 * 1_000_000
    assert is_superseded(hello(), newer, ends_ns - 1, lease_ms=10_000)
    assert not is_superseded(hello(), newer, ends_ns, lease_ms=10_000)


def test_after_a_restart_too_the_older_process_does_not_take_the_newer_ones_place() -> None:
    world = CoordinatorHarness()
    older = world.peer()
    newer = world.peer()
    world.crash()
    assert refused_with(older.send_hello())[0] == "superseded"
    assert newer.connect().outcome == "resumed"
