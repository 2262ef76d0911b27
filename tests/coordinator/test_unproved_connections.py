"""A hello alone proves nothing, for it may be a recording. The first frame does, by both nonces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from coordinator.committer import Committer
from coordinator.core import AcceptedHandshake
from coordinator.metrics import render
from tests.coordinator.harness import KEY, WALL_S, CoordinatorHarness, FakePeer
from wire.errors import CloseCode, FrameFault
from wire.handshake import write_hello
from wire.messages import AttemptReport


def recorded(world: CoordinatorHarness, peer: FakePeer) -> str:
    """Return a worker's hello, as a recording of its link has it."""
    hello = peer.hello()
    opening = peer.send_hello(hello)
    assert isinstance(opening, AcceptedHandshake)
    peer.accept(opening)
    peer.inventory()
    return write_hello(hello, KEY)


def play(world: CoordinatorHarness, value: str) -> AcceptedHandshake:
    """Send a recorded hello again."""
    opening = world.core.on_hello(world.now_ns, WALL_S, value)
    assert isinstance(opening, AcceptedHandshake), opening
    world.settle()
    return opening


def test_a_replayed_hello_after_a_restart_disconnects_no_worker() -> None:
    world = CoordinatorHarness()
    peer = FakePeer(world, "worker-1", slots=1, prefetch=0)
    first = recorded(world, peer)
    peer.cut()
    second = recorded(world, peer)
    world.submit("a")
    held = peer.assigned[0]
    world.crash()
    peer.connect()
    peer.inventory(held)
    for value in (first, second):
        opening = play(world, value)
        assert world.core.next_bytes(world.now_ns, opening.connection) is None
    assert world.closed == []
    assert peer.beat(held).tokens == [held.token]
    peer.finish(held)
    assert world.outcomes() == {"a": "completed"}
    assert [line["outcome"] for line in world.events_of("worker_joined")] == ["fresh", "resumed", "resumed"]
    assert world.events_of("worker_lost")[1:] == world.events_of("worker_gone") == []


def test_a_connection_without_a_first_frame_is_closed_and_had_no_worker() -> None:
    world = CoordinatorHarness(heartbeat_interval_ms=500, heartbeat_timeout_ms=1_000)
    world.crash()
    peer = world.peer()
    silent = world.peer_unconnected("worker-2").send_hello()
    assert isinstance(silent, AcceptedHandshake)
    for _ in range(8):
        peer.beat()
        world.advance(200)
    assert [(close.connection, close.code) for close in world.closed] == [
        (silent.connection, CloseCode.heartbeat_timeout)
    ]
    assert not world.core.is_open(silent.connection)
    assert [worker.name for worker in world.core.state(world.now_ns).workers] == ["worker-1"]
    assert world.events_of("worker_lost") == []
    committer = cast(Committer, SimpleNamespace(commits=0, rows=0, busy_s=0.0))
    page = render(world.core, committer, world.now_ns).decode()
    assert 'stormlab_connections_unused_total{code="heartbeat_timeout"} 1.0' in page


def test_an_unauthenticated_first_frame_closes_its_connection_alone() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    opening = world.peer_unconnected("worker-1").send_hello()
    assert isinstance(opening, AcceptedHandshake)
    world.core.on_bytes(world.now_ns, opening.connection, bytes(64))
    world.settle()
    assert [(close.connection, close.code) for close in world.closed] == [
        (opening.connection, CloseCode.bad_frame)
    ]
    assert world.core.counters.totals[("frames_refused", FrameFault.altered)] == 1
    assert peer.beat() is not None


def test_in_the_first_life_a_new_worker_has_its_session_with_the_welcome() -> None:
    world = CoordinatorHarness()
    peer = world.peer_unconnected("worker-1")
    opening = peer.send_hello()
    assert isinstance(opening, AcceptedHandshake)
    world.settle()
    peer.accept(opening)
    peer.cut()
    assert peer.connect().outcome == "resumed"


def test_an_older_connection_that_speaks_late_does_not_take_over_a_newer_one() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.cut()
    late = peer.send_hello()
    assert isinstance(late, AcceptedHandshake)
    peer.connect()
    newer = (peer.connection, peer.encoder, peer.decoder)
    peer.accept(late)
    peer.send(peer.frame(AttemptReport([])), settle=False)
    world.closed += world.core.effects.take_closes()
    assert [(close.connection, close.code) for close in world.closed] == [
        (late.connection, CloseCode.superseded)
    ]
    peer.connection, peer.encoder, peer.decoder = newer
    assert world.core.is_open(peer.connection)


def test_a_process_that_was_welcomed_before_a_newer_one_came_does_not_throw_it_out() -> None:
    world = CoordinatorHarness()
    older = world.peer("worker-1")
    older.cut()
    late = older.send_hello()
    assert isinstance(late, AcceptedHandshake)
    newer = world.peer("worker-1")
    older.accept(late)
    older.send(older.frame(AttemptReport([])), settle=False)
    world.closed += world.core.effects.take_closes()
    assert [close.connection for close in world.closed] == [late.connection]
    assert newer.beat() is not None
