"""Claims about heartbeats: when one is due, and when a link is silent."""

from __future__ import annotations

import random

import pytest

from worker.heartbeat import HeartbeatTimer
from worker.phi import PhiAccrual

MS = 1_000_000
INTERVAL_MS, TIMEOUT_MS = 2_000, 4_000


def heartbeat(start_ms: int = 0, first_gap: float = 1.0, learner: PhiAccrual | None = None) -> HeartbeatTimer:
    made = HeartbeatTimer(start_ms * MS, INTERVAL_MS, TIMEOUT_MS, first_gap, learner)
    made.tick(start_ms * MS)
    return made


def run(
    heart: HeartbeatTimer,
    until_ms: int,
    *,
    dead_from_ms: int | None = None,
    trip_ms: int = 10,
    jitter_ms: int = 0,
) -> int | None:
    """Beat and answer in steps of a millisecond; returns when the link is called silent."""
    chance = random.Random(3)
    answers: list[int] = []
    for now_ms in range(1, until_ms):
        silent_ns = heart.timeout_at_ns()
        if silent_ns is not None and now_ms * MS >= silent_ns:
            return now_ms
        heart.tick(now_ms * MS)
        if heart.due:
            heart.due = False
            answers.append(now_ms + trip_ms + chance.randint(0, jitter_ms))
        while answers and answers[0] <= now_ms:
            answers.pop(0)
            if dead_from_ms is None or now_ms < dead_from_ms:
                heart.on_frame(now_ms * MS)
                heart.on_answer(now_ms * MS)
    return None


def test_the_first_beat_goes_out_at_once() -> None:
    assert not HeartbeatTimer(0, INTERVAL_MS, TIMEOUT_MS, 1.0, None).due
    assert heartbeat().due


def test_the_second_comes_after_a_random_part_of_an_interval_so_that_a_herd_spreads() -> None:
    heart = heartbeat(first_gap=0.25)
    heart.due = False
    heart.on_frame(1 * MS)
    assert heart.deadline_ns() == 500 * MS
    heart.tick(500 * MS)
    assert heart.due
    heart.on_frame(501 * MS)
    assert heart.deadline_ns() == 2_500 * MS


def test_a_link_that_answers_is_never_silent() -> None:
    assert run(heartbeat(), 60_000) is None


@pytest.mark.parametrize("dead_from_ms", [3_000, 10_000, 10_999, 11_500])
def test_a_dead_link_is_noticed_within_interval_and_timeout(dead_from_ms: int) -> None:
    noticed_ms = run(heartbeat(), 60_000, dead_from_ms=dead_from_ms)
    assert noticed_ms is not None
    assert TIMEOUT_MS - 10 <= noticed_ms - dead_from_ms <= INTERVAL_MS + TIMEOUT_MS


def test_a_beat_that_is_stuck_in_a_full_buffer_counts_as_asked() -> None:
    heart = heartbeat()
    assert heart.due
    assert heart.timeout_at_ns() == TIMEOUT_MS * MS


def test_a_new_connection_has_new_timers() -> None:
    """Regression no. 13: a last-received time that survived the reconnect made a reconnect loop."""
    old = heartbeat()
    assert run(old, 60_000, dead_from_ms=5_000) is not None
    fresh = heartbeat(start_ms=50_000)
    assert fresh.last_frame_ns == 50_000 * MS
    assert fresh.timeout_at_ns() == (50_000 + TIMEOUT_MS) * MS


def test_time_in_which_this_process_did_not_look_is_not_silence() -> None:
    heart = heartbeat()
    heart.exclude_pause(20_000 * MS)
    assert heart.timeout_at_ns() == (TIMEOUT_MS + 20_000) * MS


def test_a_learned_silence_counts_from_the_last_frame_to_the_nanosecond() -> None:
    learner = PhiAccrual()
    for _ in range(5):
        learner.learn(2_000 * MS)
    limit_ns = learner.limit_ns()
    assert limit_ns is not None
    heart = heartbeat(learner=learner)
    assert heart.timeout_at_ns() == limit_ns
    heart.exclude_pause(7 * MS)
    assert heart.timeout_at_ns() == limit_ns + 7 * MS
    heart.on_frame(500 * MS)
    heart.tick(2_000 * MS)
    assert heart.timeout_at_ns() == 500 * MS + limit_ns


def test_a_learned_link_is_called_dead_sooner() -> None:
    fixed = run(heartbeat(), 60_000, dead_from_ms=30_000)
    learned = run(heartbeat(learner=PhiAccrual()), 60_000, dead_from_ms=30_000)
    assert fixed is not None
    assert learned is not None
    assert learned - 30_000 < 0.7 * (fixed - 30_000)


@pytest.mark.parametrize("jitter_ms", [0, 200, 800])
def test_a_learned_link_gives_no_more_false_alarms(jitter_ms: int) -> None:
    assert run(heartbeat(), 600_000, jitter_ms=jitter_ms) is None
    assert run(heartbeat(learner=PhiAccrual()), 600_000, jitter_ms=jitter_ms) is None


def test_learning_never_waits_longer_than_the_fixed_limit() -> None:
    heart = heartbeat(learner=PhiAccrual())
    learned = run(heart, 120_000, dead_from_ms=60_000, trip_ms=1_500, jitter_ms=1_500)
    assert learned is not None
    assert learned - 60_000 <= INTERVAL_MS + TIMEOUT_MS
