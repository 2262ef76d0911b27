"""Claims about when a worker dials again."""

from __future__ import annotations

import random

from wire.handshake import Backoff
from wire.settings import WorkerSettings
from worker.reconnect import ReconnectState

MS = 1_000_000
STABLE_MS = 4_000


def reconnect(policy: str = "exponential", **settings: int) -> ReconnectState:
    made = ReconnectState(WorkerSettings(policy=policy, **settings), random.Random(1))  # type: ignore[arg-type]
    made.set_advice(Backoff(100, 10_000))
    return made


def test_attempts_count_from_one_after_a_loss() -> None:
    pauses = reconnect()
    assert [pauses.begin_attempt(), pauses.begin_attempt()] == [1, 2]
    pauses.on_lost(60_000 * MS, STABLE_MS)
    assert pauses.begin_attempt() == 1


def test_a_stable_connection_resets_the_backoff() -> None:
    pauses = reconnect()
    assert [pauses.next_delay_ms(0) for _ in range(3)] == [100, 200, 400]
    pauses.on_lost(STABLE_MS * MS, STABLE_MS)
    assert pauses.next_delay_ms(0) == 100


def test_a_server_that_drops_at_once_is_dialled_ever_more_slowly() -> None:
    pauses = reconnect()
    delays = []
    for _ in range(10):
        pauses.on_lost(1 * MS, STABLE_MS)
        delays.append(pauses.next_delay_ms(0))
    assert delays == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]


def test_before_any_advice_the_delays_grow_from_200_ms_to_5_s() -> None:
    pauses = ReconnectState(WorkerSettings(policy="exponential"), random.Random(1))
    assert [pauses.next_delay_ms(0) for _ in range(7)] == [200, 400, 800, 1_600, 3_200, 5_000, 5_000]


def test_settings_go_before_the_welcomes_advice() -> None:
    pauses = reconnect(base_ms=7, cap_ms=20)
    assert [pauses.next_delay_ms(0) for _ in range(3)] == [7, 14, 20]


def test_a_slot_counts_from_its_arrival() -> None:
    pauses = reconnect("slotted")
    pauses.set_slot(1_000 * MS, 3_000)
    assert pauses.next_delay_ms(2_500 * MS) == 1_500


def test_a_slot_is_used_once() -> None:
    pauses = reconnect("slotted")
    pauses.set_slot(0, 3_000)
    assert pauses.next_delay_ms(0) == 3_000
    assert pauses.next_delay_ms(0) != 3_000


def test_a_slot_that_just_passed_is_taken_at_once_and_an_old_one_is_forgotten() -> None:
    pauses = reconnect("slotted")
    pauses.set_slot(0, 3_000)
    assert pauses.next_delay_ms(3_100 * MS) == 0
    pauses.set_slot(0, 3_000)
    assert pauses.next_delay_ms(3_600_000 * MS) > 0
