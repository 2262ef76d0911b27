"""The memory of tasks, and the messages that a worker may have under way, are bounded in bytes."""

from __future__ import annotations

import hashlib

import msgspec

from coordinator.task_memory import TaskMemory
from tests.coordinator.harness import CoordinatorHarness
from wire.channel import Bounds
from wire.limits import BULK_BYTES, MESSAGE_BYTES
from wire.messages import AttemptResult, Checkpoint, CheckpointSaved


def checkpoint(step: int, size_bytes: int = 100) -> Checkpoint:
    state = bytes(size_bytes)
    return Checkpoint(step, state, hashlib.sha256(state).digest())


def params(size_bytes: int) -> msgspec.Raw:
    return msgspec.Raw(b'"' + b"p" * (size_bytes - 2) + b'"')


def test_tasks_are_taken_while_there_is_room_for_their_params_and_again_once_there_is() -> None:
    world = CoordinatorHarness()
    world.core.ledger.memory = TaskMemory(params_max=1_000)
    assert world.submit("a", "b", "c", params=params(400)).accepted == 2
    answer = world.submit("d", params=params(201))
    assert "the queue is full" in answer.refused[0].because
    peer = world.peer()
    peer.finish(peer.assigned[0])
    assert world.submit("d", params=params(201)).accepted == 1


def test_params_and_checkpoints_have_room_for_256_mib_each() -> None:
    memory = TaskMemory()
    assert memory.has_room_for_task(256 << 20)
    assert not memory.has_room_for_task((256 << 20) + 1)
    memory.checkpoint_bytes = (256 << 20) - 100
    assert memory.has_room_for_state(checkpoint(1, 100))
    assert not memory.has_room_for_state(checkpoint(1, 101))


def test_a_checkpoint_for_which_there_is_no_room_is_refused_and_the_task_goes_on() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=4)
    world.core.ledger.memory = TaskMemory(checkpoints_max=250)
    world.submit("a", "b", "c", params=params(2))
    for assign in peer.assigned:
        peer.save(assign, checkpoint(1))
    assert [line["because"] for line in world.events_of("checkpoint_refused")] == ["full"]
    for assign in peer.assigned:
        peer.finish(assign)
    assert len(world.outcomes()) == 3


def test_a_newer_checkpoint_takes_the_place_of_the_older_and_a_result_leaves_none() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a", params=params(50))
    (assign,) = peer.assigned
    kept = world.core.ledger.memory
    for step in range(1, 20):
        peer.save(assign, checkpoint(step, 100 + step))
        assert (kept.params_bytes, kept.checkpoint_bytes) == (50, 100 + step)
    world.crash()
    kept = world.core.ledger.memory
    assert (kept.params_bytes, kept.checkpoint_bytes) == (50, 119)
    peer.connect()
    peer.inventory(assign)
    peer.finish(assign)
    assert (kept.params_bytes, kept.checkpoint_bytes) == (0, 0)


def test_a_worker_that_sends_more_than_its_window_before_anything_is_durable_is_closed() -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    world.submit("a")
    (assign,) = peer.assigned
    sent = 0
    for step in range(1, 20):
        peer.channel.resume(0, 10_000)
        message = CheckpointSaved(assign.task_id, assign.token, checkpoint(step, BULK_BYTES))
        peer.queue(message)
        # As if what was sent had been acknowledged: an honest channel would wait here.
        peer.channel._in_flight_bytes = 0
        peer.channel._resend_at = peer.channel.in_flight
        peer.send(peer.frame(), settle=False)
        sent += 1
        if world.core.effects.closes:
            break
    assert [close.reason for close in world.core.effects.take_closes()] == ["flood"]
    assert sent <= 1 + (Bounds().window_bytes + MESSAGE_BYTES) // BULK_BYTES
    assert world.core.counters.totals[("frames_refused", "flood")] == 1


def test_an_honest_worker_sends_its_largest_results_one_after_the_other_and_is_never_closed() -> None:
    world = CoordinatorHarness()
    peer = world.peer(slots=20)
    world.submit(*[f"t{number}" for number in range(20)])
    for assign in peer.assigned:
        peer.queue(AttemptResult(assign.task_id, assign.token, bytes(BULK_BYTES), "", 0, 1, 2))
    for _ in range(100):
        while peer.channel.has_more():
            peer.send(peer.frame(), settle=False)
        world.settle()
        peer.receive()
    assert world.closed == []
    assert len(world.outcomes()) == 20
