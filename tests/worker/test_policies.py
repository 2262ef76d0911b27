"""Claims about every reconnection policy, and about each one's own shape."""

from __future__ import annotations

import itertools
import random

import pytest
from websockets.client import backoff

from wire.declarations import DeclarationError
from wire.policies import POLICIES, PolicyAdvice, policy, policy_named

ADVICE = PolicyAdvice(base_ms=100, cap_ms=10_000)
LONGEST_MS = {"websockets": 90_000.0, "seed": 60_000.0}
ATTEMPTS = (1, 2, 3, 8, 20, 1_024, 1_025, 10_000)


def delays(name: str, attempt: int, count: int = 2_000, previous_ms: float = 0.0) -> list[float]:
    chance = random.Random(7)
    return [POLICIES[name].delay_ms(attempt, previous_ms, ADVICE, chance) for _ in range(count)]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("name", POLICIES)
def test_no_delay_is_negative_or_longer_than_the_cap_however_often_it_failed(name: str, attempt: int) -> None:
    longest_ms = LONGEST_MS.get(name, ADVICE.cap_ms)
    assert all(0 <= delay <= longest_ms for delay in delays(name, attempt, 200, previous_ms=ADVICE.cap_ms))


@pytest.mark.parametrize("name", ["equal_jitter", "full_jitter", "decorrelated", "slotted"])
def test_jitter_comes_after_the_cap_so_that_nothing_piles_up_on_it(name: str) -> None:
    late = delays(name, 50, previous_ms=ADVICE.cap_ms)
    assert sum(delay == ADVICE.cap_ms for delay in late) < len(late) / 100
    assert len({round(delay) for delay in late}) > len(late) / 4


@pytest.mark.parametrize(("attempt", "piled"), [(6, 0.0), (7, 0.60), (8, 1.0), (50, 1.0)])
def test_the_seed_piles_up_on_its_cap(attempt: int, piled: float) -> None:
    """Regression no. 12: jitter before the cap."""
    values = delays("seed", attempt)
    share = sum(delay == 60_000.0 for delay in values) / len(values)
    assert share == pytest.approx(piled, abs=0.1)


def test_the_seed_starts_with_a_second_give_or_take_a_fifth() -> None:
    values = delays("seed", 1)
    assert 800 <= min(values) < 830
    assert 1_170 < max(values) <= 1_200


def test_none_never_waits() -> None:
    assert set(delays("none", 5)) == {0.0}


def test_fixed_always_waits_the_base() -> None:
    assert set(delays("fixed", 1) + delays("fixed", 99)) == {100.0}


def test_exponential_doubles_up_to_the_cap() -> None:
    values = [delays("exponential", attempt, 1)[0] for attempt in (1, 2, 3, 7, 8)]
    assert values == [100, 200, 400, 6_400, 10_000]


def test_equal_jitter_waits_at_least_half() -> None:
    values = delays("equal_jitter", 4)
    assert 400 <= min(values) < 420
    assert mean(values) == pytest.approx(600, rel=0.03)


def test_full_jitter_is_spread_from_nothing_to_the_doubled_delay() -> None:
    values = delays("full_jitter", 4)
    assert min(values) < 10
    assert mean(values) == pytest.approx(400, rel=0.05)


def test_decorrelated_grows_from_the_delay_before() -> None:
    assert max(delays("decorrelated", 2, previous_ms=1_000)) == pytest.approx(3_000, rel=0.01)
    assert min(delays("decorrelated", 2, previous_ms=1_000)) >= 100


def test_websockets_waits_as_the_library_does() -> None:
    library_ms = [delay_s * 1_000 for delay_s in itertools.islice(backoff(), 14)]
    ours = [delays("websockets", attempt, 1)[0] for attempt in range(1, 15)]
    assert ours[1:] == pytest.approx(library_ms[1:])
    assert max(delays("websockets", 1)) == pytest.approx(5_000, rel=0.01)


def test_slotted_retries_exactly_at_its_slot() -> None:
    found = PolicyAdvice(base_ms=100, cap_ms=10_000, slot_ms=1_234.0)
    assert POLICIES["slotted"].delay_ms(3, 0.0, found, random.Random(1)) == 1_234.0


def test_slotted_spreads_over_the_whole_cap_without_a_slot() -> None:
    assert mean(delays("slotted", 1)) == pytest.approx(5_000, rel=0.05)


def test_an_unknown_policy_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected one of none, fixed.*found 'fulljitter'"):
        policy_named("fulljitter")


@pytest.mark.parametrize("name", ["", "full-jitter", "a|b", "2nd"])
def test_a_policy_whose_name_is_no_identifier_is_not_registered(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"expected a name of letters"):
        policy(name, "never")
    assert name not in POLICIES
