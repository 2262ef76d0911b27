"""Claims about the failure detector that learns."""

from __future__ import annotations

import math
import random

import pytest

from worker.phi import ENOUGH, PhiAccrual, deviations_for, tail

SECOND = 1_000_000_000


def learned(gaps_ns: list[int], threshold: float = 8.0) -> PhiAccrual:
    made = PhiAccrual(threshold)
    for gap_ns in gaps_ns:
        made.learn(gap_ns)
    return made


def test_it_says_nothing_before_it_saw_enough() -> None:
    young = learned([SECOND] * (ENOUGH - 1))
    assert young.limit_ns() is None
    assert young.phi(1_000 * SECOND) == 0.0


def test_its_limit_is_where_phi_reaches_the_threshold() -> None:
    chance = random.Random(5)
    made = learned([int(chance.gauss(2, 0.4) * SECOND) for _ in range(100)])
    limit_ns = made.limit_ns()
    assert limit_ns is not None
    assert made.phi(limit_ns) == pytest.approx(8.0, abs=0.01)


def test_phi_grows_with_silence_to_no_end() -> None:
    made = learned([SECOND] * 20)
    values = [made.phi(silence * SECOND) for silence in (1, 2, 3, 100)]
    assert values == sorted(values)
    assert values[-1] == math.inf


def test_a_link_that_was_even_so_far_is_allowed_a_hiccup() -> None:
    limit_ns = learned([SECOND] * 50).limit_ns()
    assert limit_ns is not None
    assert limit_ns > 1.4 * SECOND


def test_it_forgets_what_is_long_past() -> None:
    assert learned([10 * SECOND] * 200 + [SECOND] * 100).limit_ns() == learned([SECOND] * 100).limit_ns()


def test_the_normal_tail_is_what_tables_say() -> None:
    assert tail(0.0) == 0.5
    assert tail(1.959964) == pytest.approx(0.025, rel=1e-5)
    assert deviations_for(8.0) == pytest.approx(5.612, abs=0.001)
