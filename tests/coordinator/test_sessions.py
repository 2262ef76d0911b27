"""Events that a session survives, and events that end it."""

from __future__ import annotations

import msgspec
import pytest

from coordinator.core import AcceptedHandshake, HandshakeRefusal
from coordinator.session import Session
from coordinator.session_registry import resume_decision
from tests.coordinator.harness import CoordinatorHarness, FakePeer, hello, session
from wire.errors import CloseCode
from wire.handshake import Hello, Resume
from wire.messages import (
    AttemptReport,
    AttemptResult,
    DrainNotice,
    Goodbye,
    Heartbeat,
    HeldAttempt,
    LeasesRenewed,
)

OURS, LEAVING = session(), session(leaving=True)


# -- which session a worker gets ---------------------------


@pytest.mark.parametrize(
    ("said", "known", "asked", "outcome"),
    [
        (hello(resume=False), None, None, "fresh"),
        (hello("second", resume=False), session(), None, "fresh"),
        (hello(resume=False), session(), None, "reset"),
        (hello(), OURS, OURS, "resumed"),
        (hello(), session(), OURS, "reset"),
        (hello(), None, None, "reset"),
        (hello(), None, session("worker-2"), "reset"),
        (hello("second"), session(), session(), "fresh"),
        (hello(), LEAVING, LEAVING, "reset"),
    ],
    ids=[
        "unknown worker", "new process", "process without its session", "current session",
        "session that a newer one replaced",
        "session that is gone", "session of another worker", "session of an older process",
        "session that said goodbye",
    ],
)  # fmt: skip
def test_the_outcome_of_a_hello(
    said: Hello, known: Session | None, asked: Session | None, outcome: str
) -> None:
    assert resume_decision(said, known, asked)[0] == outcome


def test_a_reset_says_why() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.session = ("another", 1)
    assert "unknown session" in peer.connect().because


# -- resuming ----------------------------------------------


def test_a_resumed_session_gets_exactly_what_it_lacks() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=4)
    world.submit("a", "b")
    assert len(peer.assigned) == 2
    world.submit("c", "d")
    world.core.next_bytes(world.now_ns, peer.connection)
    peer.cut()
    assert peer.connect().outcome == "resumed"
    peer.inventory(*peer.assigned)
    assert [assign.task_id for assign in peer.assigned] == ["a", "b", "c", "d"]
    assert peer.channel.duplicates == 0


def test_a_result_that_got_lost_on_its_way_is_counted_once_after_a_resume() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    peer.queue(AttemptResult(held.task_id, held.token, b"1", "", 0, 1, 2))
    peer.frame()
    peer.cut()
    assert world.outcomes() == {}
    peer.connect()
    peer.inventory(held)
    assert world.outcomes() == {"a": "completed"}
    assert peer.results_acknowledged() == ["a"]


def test_resuming_many_times_with_nothing_said_changes_nothing() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    for _ in range(20):
        peer.cut()
        assert peer.connect().outcome == "resumed"
    peer.inventory(held)
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert len(world.events_of("assigned")) == 1


def test_numbers_that_do_not_fit_reset_the_session_and_keep_the_attempt() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    held = peer.assigned[0]
    peer.cut()
    assert peer.session is not None
    wrong = msgspec.structs.replace(peer.hello(), resume=Resume(peer.session[0], peer.session[1], 99))
    opening = peer.send_hello(wrong)
    assert isinstance(opening, AcceptedHandshake)
    assert peer.accept(opening).outcome == "reset"
    world.settle()
    peer.inventory(held)
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert world.events_of("attempt_lost") == []


# -- the inventory -----------------------------------------


def test_what_a_worker_confirmed_and_does_not_hold_any_more_is_given_out_again() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    assert peer.assigned
    peer.beat(*peer.assigned)
    peer.cut()
    peer.connect()
    peer.inventory()
    assert [line["reason"] for line in world.events_of("attempt_lost")] == [
        "not in the worker's attempt report"
    ]
    assert [assign.attempt for assign in peer.assigned] == [1, 2]


def test_what_is_still_on_its_way_is_not_missed_in_the_inventory() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    peer.cut()
    peer.connect()
    peer.inventory()
    assert world.events_of("attempt_lost") == []
    assert [assign.attempt for assign in peer.assigned] == [1]


def test_a_worker_gets_nothing_before_it_said_what_it_holds() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.cut()
    peer.connect()
    world.submit("a")
    peer.beat()
    assert peer.assigned == []
    peer.inventory()
    assert len(peer.assigned) == 1


def test_a_worker_gets_no_task_before_its_session_is_durable() -> None:
    world = CoordinatorHarness()
    world.submit("a")
    peer = world.peer_unconnected("worker-1")
    opening = peer.send_hello()
    assert isinstance(opening, AcceptedHandshake)
    peer.accept(opening)
    peer.send_frame(AttemptReport([]), settle=False)
    assert peer.assigned == []
    world.settle()
    assert len(peer.assigned) == 1


def test_an_attempt_that_is_over_is_revoked_when_the_inventory_names_it() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.cut()
    peer.connect()
    peer.send_frame(AttemptReport([HeldAttempt("unknown", 5)]))
    assert peer.revoked == [5]


# -- new processes, old sockets ----------------------------


def test_a_new_process_of_the_same_name_sets_its_attempts_free_at_once() -> None:
    world = CoordinatorHarness()
    old = world.peer("worker-1")
    world.submit("a")
    assert old.assigned
    new = world.peer("worker-1")
    assert [line["reason"] for line in world.events_of("worker_gone")] == ["process"]
    assert [assign.attempt for assign in new.assigned] == [2]


def test_a_process_that_lost_its_session_keeps_what_it_holds_and_loses_the_rest() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=2)
    world.submit("a", "b")
    kept, lost = peer.assigned
    peer.session = None
    assert peer.connect().outcome == "reset"
    peer.inventory(kept)
    assert [line["task"] for line in world.events_of("attempt_lost")] == [lost.task_id]
    peer.finish(kept)
    assert world.outcomes() == {"a": "completed"}


def test_a_lease_that_a_new_session_of_its_process_takes_over_ends_when_it_would_have() -> None:
    world = CoordinatorHarness(lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    assert peer.assigned
    peer.cut()
    world.advance(9_000)
    peer.session = None
    assert peer.connect().outcome == "reset"
    world.advance(3_500)
    assert [line["task"] for line in world.events_of("attempt_lost")] == ["a"]


def test_a_welcome_is_outdated_once_its_session_said_goodbye() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    opening = peer.send_hello()
    peer.queue(Goodbye("drained"))
    peer.send_frame()
    assert admitted_late(world, peer, opening) == CloseCode.superseded


def test_a_welcome_is_outdated_once_a_newer_session_took_the_place_of_its_own() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.cut()
    first = peer.send_hello(msgspec.structs.replace(peer.hello(), resume=None))
    second = peer.send_hello()
    assert admitted_late(world, peer, first) is None
    assert admitted_late(world, peer, second) == CloseCode.superseded


def admitted_late(
    world: CoordinatorHarness, peer: FakePeer, opening: AcceptedHandshake | HandshakeRefusal
) -> CloseCode | None:
    """Send the first frame of a welcome. Return with which code its connection was closed, if it was."""
    assert isinstance(opening, AcceptedHandshake), opening
    peer.accept(opening)
    world.core.on_bytes(world.now_ns, opening.connection, peer.frame())
    world.settle()
    codes = [close.code for close in world.closed if close.connection == opening.connection]
    return codes[0] if codes else None


def test_a_newer_connection_takes_over_and_the_older_one_changes_nothing_any_more() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    older = peer.connection
    late = peer.frame(Heartbeat(1, 2_000, []))
    peer.connect()
    assert [(close.connection, close.code) for close in world.closed] == [(older, CloseCode.superseded)]
    peer.inventory()
    world.core.on_bytes(world.now_ns, older, late)
    world.core.on_closed(world.now_ns, older, "closed", "late")
    world.submit("a")
    assert len(peer.assigned) == 1
    assert world.core.state(world.now_ns).workers[0].state == "connected"
    assert [line["kind"] for line in world.events_of("worker_lost")] == ["superseded"]


# -- silence -----------------------------------------------


def test_silence_for_interval_and_timeout_closes_the_connection_and_keeps_the_session() -> None:
    world = CoordinatorHarness(heartbeat_interval_ms=2_000, heartbeat_timeout_ms=4_000)
    peer = world.peer()
    world.advance(5_990)
    assert world.closed == []
    world.advance(20)
    assert [close.code for close in world.closed] == [CloseCode.heartbeat_timeout]
    assert world.events_of("worker_lost")[0]["silent_ms"] == pytest.approx(6_000, abs=20)
    assert peer.connect().outcome == "resumed"


def test_lost_connections_are_counted_by_the_kind_of_their_end() -> None:
    world = CoordinatorHarness()
    for kind in ("closed", "reset", "reset"):
        peer = world.peer()
        world.core.on_closed(world.now_ns, peer.connection, kind, "in a test")
    world.peer()
    world.advance(10_000)
    totals = world.core.counters.totals
    kinds = {label: count for (name, label), count in totals.items() if name == "connections_lost"}
    assert kinds == {"closed": 1, "reset": 2, "heartbeat_timeout": 1}


def test_traffic_is_journaled_every_second_in_which_there_was_any() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.advance(1_000)
    received = [line["frames_received"] for line in world.events_of("traffic")]
    world.advance(1_000)
    peer.beat()
    world.advance(1_000)
    assert [line["frames_received"] for line in world.events_of("traffic")] == [*received, received[-1] + 1]


def test_any_frame_ends_the_silence() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    for _ in range(10):
        world.advance(5_000)
        peer.beat()
    assert world.closed == []


def test_silence_is_counted_for_each_connection() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.advance(5_000)
    peer.cut()
    world.advance(5_000)
    peer.connect()
    world.advance(5_000)
    assert world.closed == []


def test_a_coordinator_that_was_frozen_reads_its_connections_before_it_expires_them() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    beat = peer.frame(Heartbeat(world.now_ns, 2_000, []))
    world.now_ns += 60_000_000_000
    world.core.on_tick(world.now_ns)
    peer.send(beat)
    world.advance(1_000)
    assert world.closed == []


def test_the_answer_to_a_heartbeat_echoes_its_time() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.send_frame(Heartbeat(77, 2_000, []))
    assert [m.echo_ns for m in peer.received_messages if isinstance(m, LeasesRenewed)] == [77]


# -- the end of a session ----------------------------------


def test_a_session_without_a_resume_expires() -> None:
    world = CoordinatorHarness(session_ttl_ms=60_000)
    peer = world.peer()
    peer.cut()
    world.advance(61_000)
    assert [line["reason"] for line in world.events_of("worker_gone")] == ["expired"]
    assert peer.connect().outcome == "reset"


def test_a_goodbye_is_acknowledged_and_ends_the_session_with_the_connection() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    assert peer.assigned
    peer.queue(Goodbye("drained"))
    peer.send_frame()
    assert peer.channel.depth == 0
    assert len(peer.assigned) == 1
    peer.cut()
    assert [line["reason"] for line in world.events_of("worker_gone")] == ["goodbye"]
    assert world.core.state(world.now_ns).workers[0].state == "gone"
    other = world.peer("worker-2")
    assert [assign.attempt for assign in other.assigned] == [2]


def test_a_worker_that_drains_gets_nothing_new_and_keeps_what_it_has() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=4)
    world.submit("a")
    held = peer.assigned[0]
    peer.send_frame(DrainNotice())
    world.submit("b")
    assert len(peer.assigned) == 1
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert len(peer.assigned) == 1
    assert [assign.task_id for assign in world.peer("worker-2").assigned] == ["b"]


def test_a_worker_that_drains_gets_nothing_new_on_its_next_connection_either() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=4)
    peer.send_frame(DrainNotice())
    world.crash()
    world.submit("a")
    peer.connect()
    peer.send_frame(AttemptReport([]), DrainNotice())
    assert peer.assigned == []
