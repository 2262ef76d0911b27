"""Refusals are counted one by one and written at a bounded rate: lines and omissions make the count."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence

import msgspec
import pytest

from coordinator.refusal_log import ALL_WORKERS, LINES_PER_S, WORKERS_MAX, RefusalLog
from tests.coordinator.harness import WALL_S, CoordinatorHarness, FakePeer
from wire import events, task_events
from wire.events import Event, Journal
from wire.limits import BULK_BYTES, ERROR_CHARS, HELD_MAX, NAME_BYTES, PARAMS_BYTES, WORDS_CHARS
from wire.messages import AttemptResult, Checkpoint, CheckpointSaved, DrainNotice, Message

S = 1_000_000_000


def omitted(world: CoordinatorHarness, kind: str) -> int:
    return sum(line["count"] for line in world.events_of("refusals_omitted") if line["kind"] == kind)


def _result(number: int) -> AttemptResult:
    return AttemptResult(f"nobody's-{number}", number, b"", "", 0, 0, 0)


def _checkpoint(number: int) -> CheckpointSaved:
    return CheckpointSaved("t", number, Checkpoint(1, b"", b""))


@pytest.mark.parametrize(
    ("kind", "counter", "make"),
    [
        ("result_refused", ("results_refused", "unknown"), _result),
        ("checkpoint_refused", ("checkpoints_refused", "stale"), _checkpoint),
    ],
)
def test_a_flood_of_messages_that_count_for_nothing_is_written_in_part_and_counted_whole(
    kind: str, counter: tuple[str, str], make: Callable[[int], Message]
) -> None:
    world = CoordinatorHarness()
    peer = world.peer()
    for first in range(0, 10_000, 250):
        _say_all(peer, [make(number) for number in range(first, first + 250)])
    world.advance(1_100)
    lines = len(world.events_of(kind))
    assert lines <= HELD_MAX + 2 * LINES_PER_S
    assert world.core.counters.totals[counter] == 10_000
    assert lines + omitted(world, kind) == 10_000
    assert len(world.events_of("refusals_omitted")) <= 2


def _say_all(peer: FakePeer, messages: Sequence[Message]) -> None:
    for message in messages:
        peer.queue(message)
    peer.send_frame()


def test_a_flood_of_bad_frames_has_few_lines_and_a_sum() -> None:
    world = CoordinatorHarness()
    for _ in range(500):
        peer = world.peer("worker-1")
        world.core.on_bytes(world.now_ns, peer.connection, b"noise" * 10)
        world.settle()
    world.core.record_totals()
    assert world.core.counters.totals[("frames_refused", "altered")] == 500
    assert len(world.events_of("frame_refused")) == 200
    assert omitted(world, "frame_refused") == 300


def test_many_names_share_one_budget() -> None:
    lines, refusals = _refusals()
    for number in range(50 * HELD_MAX):
        _refuse(refusals, 0, task_events.ResultRefused, f"worker-{number % 40}")
    refusals.summarise()
    sums = [line for line in lines if b'"event":"refusals_omitted"' in line]
    assert len(sums) == 40
    assert len(lines) - len(sums) == ALL_WORKERS * HELD_MAX


def test_a_name_more_takes_the_place_of_the_oldest() -> None:
    _, refusals = _refusals()
    for number in range(2 * WORKERS_MAX):
        _refuse(refusals, 0, task_events.ResultRefused, f"worker-{number}")
    assert len(refusals._of_worker) == WORKERS_MAX


def test_after_a_flood_each_refusal_has_its_line_again() -> None:
    lines, refusals = _refusals()
    for _ in range(10_000):
        _refuse(refusals, 0, events.FrameRefused, "worker-1")
    refusals.summarise()
    before = len(lines)
    for second in range(1, 10):
        _refuse(refusals, second * S, events.FrameRefused, "worker-1")
    refusals.summarise()
    assert len(lines) - before == 9


def _refusals() -> tuple[list[bytes], RefusalLog]:
    lines: list[bytes] = []
    return lines, RefusalLog(Journal("coordinator", lines.append, lambda: 0, lambda: WALL_S))


def _refuse(refusals: RefusalLog, now_ns: int, kind: type[Event], worker: str) -> None:
    fields: dict[type[Event], dict[str, object]] = {
        task_events.ResultRefused: {"task": "t", "token": 1, "worker": worker, "because": "stale"},
        events.FrameRefused: {"peer": worker, "fault": "altered", "detail": ""},
    }
    refusals.write(now_ns, kind, worker, "cause", **fields[kind])


def test_the_largest_checkpoint_goes_to_the_next_worker_in_a_frame_that_it_takes() -> None:
    world = CoordinatorHarness()
    params = msgspec.Raw(b'"' + b"p" * (PARAMS_BYTES - 2) + b'"')
    first = world.peer("worker-1")
    world.submit("i" * NAME_BYTES, params=params)
    (assign,) = first.assigned
    state = random.Random(1).randbytes(BULK_BYTES)
    first.save(assign, Checkpoint(5, state, hashlib.sha256(state).digest()))
    first.send_frame(DrainNotice())
    first.hand_back(assign)
    (again,) = world.peer("worker-2").assigned
    assert again.checkpoint is not None
    assert again.checkpoint.state == state
    assert world.closed == []


def test_a_checkpoint_that_would_not_fit_a_later_frame_is_refused_as_it_comes() -> None:
    world = CoordinatorHarness()
    peer = world.peer("worker-1")
    world.submit("t")
    (assign,) = peer.assigned
    state = bytes(BULK_BYTES + 1)
    peer.save(assign, Checkpoint(5, state, hashlib.sha256(state).digest()))
    assert [close.reason for close in world.closed] == ["undecodable"]
    assert "length <=" in world.events_of("frame_refused")[0]["detail"]
    assert world.events_of("checkpoint_committed") == []


def test_a_workers_reason_for_a_loss_is_logged_within_the_bound() -> None:
    world = CoordinatorHarness()
    peer = world.peer("worker-1")
    world.submit("t", retry_errors=True)
    (assign,) = peer.assigned
    peer.finish(assign, error="\U0001f4a5" * ERROR_CHARS)
    assert len(world.events_of("attempt_lost")[0]["reason"]) <= WORDS_CHARS
