"""Claims about the queue of five priorities."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from wire.priority import WEIGHTS, Priority, PriorityQueue

SECOND_NS = 1_000_000_000


def drain(queue: PriorityQueue[str], now_ns: int = 0) -> list[str]:
    taken = []
    while (item := queue.take(now_ns)) is not None:
        taken.append(item)
    return taken


@given(st.lists(st.sampled_from(Priority), max_size=200))
def test_order_within_a_priority_is_the_order_of_arrival(arrivals: list[Priority]) -> None:
    queue: PriorityQueue[tuple[Priority, int]] = PriorityQueue()
    for number, priority in enumerate(arrivals):
        queue.put((priority, number), priority, number)
    taken = []
    while (item := queue.take(len(arrivals))) is not None:
        taken.append(item)
    for priority in Priority:
        assert [n for p, n in taken if p is priority] == [n for n, p in enumerate(arrivals) if p is priority]


@given(st.lists(st.sampled_from(Priority), max_size=200))
def test_nothing_is_lost_or_doubled_in_the_queue(arrivals: list[Priority]) -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for number, priority in enumerate(arrivals):
        queue.put(str(number), priority, 0)
    assert len(queue) == len(arrivals)
    assert sorted(drain(queue), key=int) == [str(number) for number in range(len(arrivals))]
    assert len(queue) == 0


def test_shares_follow_the_weights_while_all_lanes_are_full() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for priority in Priority:
        for _ in range(400):
            queue.put(priority.name, priority, 0)
    picks = Counter(queue.take(0) for _ in range(310))
    for priority, weight in WEIGHTS.items():
        assert abs(picks[priority.name] - 10 * weight) <= 2


def test_background_is_served_within_a_full_round_of_weights() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for _ in range(1_000):
        queue.put("critical", Priority.critical, 0)
    queue.put("background", Priority.background, 0)
    assert "background" in [queue.take(0) for _ in range(sum(WEIGHTS.values()))]


def test_an_aged_item_is_served_at_the_fourth_pick_and_not_before() -> None:
    queue: PriorityQueue[str] = PriorityQueue(aged_after_ms=1_000)
    queue.put("warm-up", Priority.background, 0)
    queue.take(0)
    queue.put("old", Priority.background, 0)
    for _ in range(50):
        queue.put("new", Priority.critical, 2 * SECOND_NS)
    assert [queue.take(2 * SECOND_NS) for _ in range(3)] == ["new", "new", "old"]


def test_a_lane_that_was_empty_gets_no_turns_for_the_past() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for _ in range(500):
        queue.put("high", Priority.high, 0)
    for _ in range(400):
        queue.take(0)
    for _ in range(100):
        queue.put("low", Priority.low, 0)
    first = Counter(queue.take(0) for _ in range(20))
    assert first["high"] > first["low"]


def test_a_lane_that_was_empty_gets_no_turns_for_the_past_by_what_is_put_back() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for _ in range(500):
        queue.put("critical", Priority.critical, 0)
    for _ in range(400):
        queue.take(0)
    for _ in range(100):
        queue.put_back("background", Priority.background, 0)
    first = Counter(queue.take(0) for _ in range(17))
    assert first["background"] <= 2


def test_dropping_takes_the_newest_of_a_lane() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for name in ("first", "second"):
        queue.put(name, Priority.background, 0)
    assert queue.drop_last(Priority.background) == "second"
    assert drain(queue) == ["first"]


def test_what_is_put_back_comes_out_first() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    queue.put("later", Priority.normal, 5)
    queue.put_back("earlier", Priority.normal, 1)
    assert drain(queue) == ["earlier", "later"]


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True))
def test_with_numbers_what_is_put_back_has_its_place_whatever_the_order(
    back: list[int], held: list[int]
) -> None:
    queue: PriorityQueue[int] = PriorityQueue(number=lambda item: item)
    for number in sorted({31, 32}):
        queue.put(number, Priority.normal, number)
    for number in back:
        queue.put_back(number, Priority.normal, number)
    queue.put_back_all([(number, number) for number in sorted(held)], Priority.normal)
    queue.check()
    taken = [queue.take(40) for _ in range(len(queue))]
    assert taken == [*sorted([*back, *held]), 31, 32]
