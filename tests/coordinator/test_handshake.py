"""Admission of workers: which are admitted, how fast, and how the others are refused."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from coordinator.admission import SLOTS_MAX, Admission
from coordinator.core import AcceptedHandshake, HandshakeRefusal
from coordinator.handshake import ReplayCache
from tests.coordinator.harness import KEY, WALL_S, CoordinatorHarness
from wire.handshake import CLOCK_BOUND_S, RETRY_MAX_MS, Hello, is_terminal, write_hello
from wire.messages import GoAway

S = 1_000_000_000


def refused(world: CoordinatorHarness, value: str | None) -> HandshakeRefusal:
    answer = world.core.on_hello(world.now_ns, WALL_S, value)
    assert isinstance(answer, HandshakeRefusal)
    return answer


def hello(world: CoordinatorHarness) -> Hello:
    return Hello(1, "worker-1", "first", world.random_bytes(16), WALL_S, 1, 0, True)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("damaged", 400), ("bad_key", 401), ("replayed", 409), ("clock", 425), ("version", 426)],
)
def test_a_hello_that_fails_authentication_gets_its_own_status(reason: str, status: int) -> None:
    world = CoordinatorHarness()
    good = hello(world)
    if reason == "replayed":
        world.core.on_hello(world.now_ns, WALL_S, write_hello(good, KEY))
    value = {
        "damaged": write_hello(good, KEY)[:-8],
        "bad_key": write_hello(good, bytes(32)),
        "replayed": write_hello(good, KEY),
        "clock": write_hello(msgspec.structs.replace(good, wall_s=WALL_S + CLOCK_BOUND_S + 1), KEY),
        "version": write_hello(msgspec.structs.replace(good, version=2), KEY),
    }[reason]
    answer = refused(world, value)
    assert (answer.status, answer.refusal.reason) == (status, reason)
    assert world.core.counters.totals[("handshakes_refused", reason)] == 1
    assert [line["reason"] for line in world.events_of("handshake_refused")] == [reason]


def test_a_hello_that_is_missing_or_has_no_name_is_damaged() -> None:
    world = CoordinatorHarness()
    assert refused(world, None).status == 400
    assert refused(world, write_hello(msgspec.structs.replace(hello(world), worker=""), KEY)).status == 400


def test_a_name_of_one_letter_is_let_in() -> None:
    world = CoordinatorHarness()
    value = write_hello(msgspec.structs.replace(hello(world), worker="w"), KEY)
    assert isinstance(world.core.on_hello(world.now_ns, WALL_S, value), AcceptedHandshake)


def test_a_flood_of_bad_hellos_is_counted_whole_and_written_down_in_part() -> None:
    world = CoordinatorHarness()
    for _ in range(1_000):
        refused(world, "rubbish")
    assert world.core.counters.totals[("handshakes_refused", "damaged")] == 1_000
    assert len(world.events_of("handshake_refused")) == 200


def test_too_many_at_once_get_slots_one_behind_the_other() -> None:
    world = CoordinatorHarness(admission_per_s=10.0, admission_burst=2)
    waits = []
    for n in range(6):
        answer = world.peer_unconnected(f"worker-{n}").send_hello()
        waits.append(answer.refusal.retry_after_ms if isinstance(answer, HandshakeRefusal) else 0)
    assert waits == [0, 0, 100, 200, 300, 400]


def test_a_retry_at_its_slot_is_admitted_ahead_of_newcomers() -> None:
    world = CoordinatorHarness(admission_per_s=10.0, admission_burst=1)
    world.peer("worker-1")
    waiting = world.peer_unconnected("worker-2")
    answer = waiting.send_hello()
    assert isinstance(answer, HandshakeRefusal)
    assert (answer.status, answer.refusal.retry_after_ms) == (503, 100)
    world.advance(100)
    newcomer = world.peer_unconnected("worker-3").send_hello()
    assert isinstance(newcomer, HandshakeRefusal)
    assert isinstance(waiting.send_hello(), AcceptedHandshake)


def test_a_retry_before_its_slot_keeps_the_slot() -> None:
    world = CoordinatorHarness(admission_per_s=10.0, admission_burst=1)
    world.peer("worker-1")
    waiting = world.peer_unconnected("worker-2")
    waiting.send_hello()
    world.advance(40)
    again = waiting.send_hello()
    assert isinstance(again, HandshakeRefusal)
    assert again.refusal.retry_after_ms == 60


def test_resumes_are_admitted_while_new_sessions_wait() -> None:
    world = CoordinatorHarness(admission_per_s=10.0, admission_burst=2)
    old = world.peer("worker-1")
    world.peer("worker-2")
    assert isinstance(world.peer_unconnected("worker-3").send_hello(), HandshakeRefusal)
    old.cut()
    assert old.connect().outcome == "resumed"


def test_a_storm_is_let_in_within_workers_by_rate() -> None:
    admission = Admission(rate_per_s=50, burst=20)
    due = {f"worker-{n}": 0 for n in range(200)}
    let_in = {}
    while due:
        worker = min(due, key=lambda name: due[name])
        now_ns = due.pop(worker)
        if wait_ns := admission.wait_ns(worker, now_ns, resuming=False):
            due[worker] = now_ns + wait_ns
        else:
            let_in[worker] = now_ns
    assert max(let_in.values()) == pytest.approx((200 - 20) / 50 * S, rel=0.02)


def test_a_draining_coordinator_refuses_every_hello_with_a_retry_time() -> None:
    world = CoordinatorHarness(admission_per_s=10.0, admission_burst=1)
    world.core.on_drain(world.now_ns)
    waits = []
    for n in range(3):
        answer = world.peer_unconnected(f"worker-{n}").send_hello()
        assert isinstance(answer, HandshakeRefusal)
        assert (answer.status, answer.refusal.reason) == (503, "draining")
        waits.append(answer.refusal.retry_after_ms)
    assert waits == sorted(set(waits))


def test_a_coordinator_that_leaves_gives_each_worker_a_slot_behind_the_last() -> None:
    world = CoordinatorHarness(admission_per_s=10.0)
    peers = [world.peer(f"worker-{n}") for n in range(3)]
    world.core.on_drain(world.now_ns)
    world.settle()
    slots = []
    for peer in peers:
        peer.send_frame()
        slots += [
            message.reconnect_after_ms for message in peer.received_messages if isinstance(message, GoAway)
        ]
    assert [later - sooner for sooner, later in itertools.pairwise(slots)] == [100, 100]


def test_a_nonce_is_forgotten_only_when_its_hello_is_too_old_anyway() -> None:
    nonces = ReplayCache()
    assert nonces.is_new(b"n", 0)
    assert not nonces.is_new(b"n", int(2 * CLOCK_BOUND_S) * S)
    assert nonces.is_new(b"n", int(2 * CLOCK_BOUND_S + 1) * S)


@pytest.mark.parametrize("name", ["worker-4", "worker-0", "worker-01", "worker-1 ", "somebody"])
def test_a_worker_that_is_not_of_the_lab_is_refused_for_good(name: str) -> None:
    world = CoordinatorHarness(members=3)
    answer = refused(world, write_hello(msgspec.structs.replace(hello(world), worker=name), KEY))
    assert (answer.status, answer.refusal.reason) == (403, "stranger")
    assert is_terminal(answer.refusal)
    assert [line["worker"] for line in world.events_of("handshake_refused")] == [name]
    assert world.core.state(world.now_ns).workers == []


def test_every_worker_of_the_lab_is_let_in_and_without_members_any_name_is() -> None:
    world = CoordinatorHarness(members=3)
    assert [world.peer(f"worker-{number}").session is None for number in (1, 2, 3)] == [False] * 3
    assert CoordinatorHarness(fleet=1).peer("worker-400").session is not None


def test_no_wait_is_longer_than_a_refusal_may_say() -> None:
    world = CoordinatorHarness(admission_per_s=0.001, admission_burst=1)
    for n in range(200):
        answer = world.peer_unconnected(f"worker-{n}").send_hello()
    assert isinstance(answer, HandshakeRefusal)
    assert answer.refusal.retry_after_ms == RETRY_MAX_MS


def test_made_up_names_push_no_slot_further_than_all_sessions_would() -> None:
    admission = Admission(rate_per_s=50, burst=20)
    waits_ns = [admission.wait_ns(f"made-up-{n}", 0, resuming=False) for n in range(5 * SLOTS_MAX)]
    assert max(waits_ns) == SLOTS_MAX * S // 50
    assert admission.wait_ns("worker-1", 0, resuming=False) <= SLOTS_MAX * S // 50
    assert admission.wait_ns("worker-2", 0, resuming=True) == 0


def test_a_slot_is_kept_however_many_ask_behind_it() -> None:
    admission = Admission(rate_per_s=50, burst=1)
    admission.wait_ns("worker-1", 0, resuming=False)
    slot_ns = admission.wait_ns("worker-2", 0, resuming=False)
    for n in range(3 * SLOTS_MAX):
        admission.wait_ns(f"made-up-{n}", 0, resuming=False)
    assert admission.wait_ns("worker-2", slot_ns, resuming=False) == 0
