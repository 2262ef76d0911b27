"""Invalid input: the connection ends, the cause is counted and written once, and all sessions live on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.coordinator.harness import CoordinatorHarness, FakePeer
from tests.fuzz import hostile
from wire.codec import FrameLimits
from wire.errors import CloseCode, FrameError, FrameFault
from wire.messages import AttemptResult, Envelope, Frame, GoAway, Goodbye, Heartbeat, ReturnTask

BEAT = Heartbeat(1, 2_000, [])


def altered(peer: FakePeer) -> bytes:
    data = bytearray(peer.frame(BEAT))
    data[-1] ^= 1
    return bytes(data)


def replayed(peer: FakePeer) -> bytes:
    data = peer.frame(BEAT)
    peer.send(data)
    return data


def reordered(peer: FakePeer) -> bytes:
    peer.frame(BEAT)
    return peer.frame(BEAT)


def sealed(*envelopes: Envelope, ack: int = 0) -> Callable[[FakePeer], bytes]:
    return lambda peer: peer.encoder.encode(Frame(ack, 512, list(envelopes)))


def signed(body: bytes) -> Callable[[FakePeer], bytes]:
    return lambda peer: hostile.sealed(peer.encoder._key, body, counter=3)


BEYOND_CREDIT = [Envelope(number, Goodbye("x")) for number in range(1, 514)]
TOO_MUCH = AttemptResult("a", 1, b"", "", 0, 0, 1 << 63)
BAD: dict[str, tuple[FrameFault, Callable[[FakePeer], bytes | str]]] = {
    "text": (FrameFault.text, lambda peer: "hello"),
    "nothing": (FrameFault.too_short, lambda peer: b""),
    "too large": (FrameFault.too_large, lambda peer: bytes(FrameLimits().frame_bytes + 1)),
    "altered": (FrameFault.altered, altered),
    "replayed": (FrameFault.replayed, replayed),
    "reordered": (FrameFault.reordered, reordered),
    "a gap": (FrameFault.sequence_gap, sealed(Envelope(5, Goodbye("x")))),
    "beyond the credit": (
        FrameFault.sequence_gap,
        sealed(*(Envelope(n, Goodbye("x")) for n in range(1, 514))),
    ),
    "an ack of what was never sent": (FrameFault.ack_from_future, sealed(ack=9)),
    "a number that no disk can keep": (FrameFault.undecodable, sealed(Envelope(1, TOO_MUCH))),
    "text that is no UTF-8": (
        FrameFault.undecodable,
        signed(b"\x93\x00\x00\x91\x92\x01\x92\xa7goodbye\xa1\xff"),
    ),
    "arrays without end": (FrameFault.undecodable, signed(b"\x93\x00\x00" + hostile.NESTED)),
    "a message that is not a worker's": (FrameFault.undecodable, sealed(Envelope(1, GoAway(1, "x")))),
}


@pytest.mark.parametrize(("fault", "make"), BAD.values(), ids=BAD.keys())
def test_a_bad_frame_ends_its_connection_and_nothing_else(
    fault: FrameFault, make: Callable[[FakePeer], bytes | str]
) -> None:
    world = CoordinatorHarness()
    peer, other = world.peer("worker-1"), world.peer("worker-2")
    bad = make(peer)
    peer.send(bad)
    assert [(close.connection, close.code, close.reason) for close in world.closed] == [
        (peer.connection, CloseCode.bad_frame, fault)
    ]
    assert [(line["peer"], line["fault"]) for line in world.events_of("frame_refused")] == [
        ("worker-1", fault)
    ]
    assert world.core.counters.totals[("frames_refused", fault)] == 1
    peer.send(bad)
    assert len(world.events_of("frame_refused")) == 1
    assert other.beat() is not None
    assert peer.connect().outcome == "resumed"


def test_nothing_of_a_bad_frame_is_accepted() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.send(peer.encoder.encode(Frame(0, 512, [Envelope(1, Goodbye("x")), Envelope(3, Goodbye("x"))])))
    assert world.events_of("worker_gone") == []
    assert peer.connect().received == 0


def test_bytes_that_are_no_websocket_message_count_as_a_bad_frame() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.core.on_broken(world.now_ns, peer.connection, FrameError(FrameFault.framing, "reserved bits set"))
    assert [line["fault"] for line in world.events_of("frame_refused")] == ["framing"]
    assert [line["kind"] for line in world.events_of("worker_lost")] == ["bad_frame"]


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_never_raise(data: bytes) -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    peer.send(data)
    assert len(world.events_of("frame_refused")) == 1


@given(st.integers(min_value=0, max_value=80), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    data = bytearray(peer.frame(BEAT))
    data[place % len(data)] ^= change
    peer.send(bytes(data))
    assert len(world.events_of("frame_refused")) == 1


def test_a_worker_that_confirms_nothing_gets_no_end_of_messages() -> None:
    world = CoordinatorHarness()
    world.checks = False
    world.peer(slots=1)
    session = world.core.fleet.sessions.of("worker-1")
    assert session is not None
    for n in range(5_000):
        world.submit(f"t{n}", settle=False)
    world.settle()
    for _ in range(4_200):
        for attempt in list(session.attempts.values()):
            back = ReturnTask(attempt.task.row.task_id, attempt.token, "in a test")
            world.core.ledger.return_task(session, back, world.now_ns)
        world.settle()
    assert session.channel.depth <= 4_100
