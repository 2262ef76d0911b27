"""How much of a window is proved, and which gaps are named; intervals of counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.coverage import CoverageGap, EffectSample, coverage_of, ignore_short_misses
from chaos.intervals import rate_interval

S = 1_000_000_000


def signs(*spans: tuple[float, float, bool]) -> list[EffectSample]:
    return [EffectSample(round(begin * S), round(end * S), there) for begin, end, there in spans]


def test_signs_that_lie_within_reach_of_each_other_prove_the_whole_window() -> None:
    held = coverage_of(signs(*((at, at + 0.1, True) for at in range(1, 20))), 0, 20 * S, 3 * S)
    assert (held.share, held.gaps, held.trouble) == (1.0, (), "")


def test_a_time_in_which_nothing_was_looked_at_is_a_gap_and_named() -> None:
    held = coverage_of(signs((1, 2, True), (9, 10, True)), 0, 10 * S, 3 * S)
    assert held.gaps == (CoverageGap(2 * S, 9 * S, gone=False),)
    assert held.trouble == "nothing was seen of it from 2.0 to 9.0 s of its 10.0 s (30% of it is proved)"


def test_one_look_that_shows_the_effect_gone_is_a_gap_between_those_that_show_it() -> None:
    held = coverage_of(signs((1, 2, True), (2.4, 2.5, False), (3, 10, True)), 0, 10 * S, 3 * S)
    assert held.gaps == (CoverageGap(2 * S, 3 * S, gone=True),)


@pytest.mark.parametrize("at", [0.1, 9.9])
def test_an_effect_that_is_missing_at_the_very_edge_says_nothing(at: float) -> None:
    held = coverage_of(signs((0.2, 9.8, True), (at, at, False)), 0, 10 * S, 3 * S)
    assert held.gaps == ()


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20), st.booleans()), max_size=20))
def test_the_proved_part_and_the_gaps_never_overlap_and_fill_no_more_than_the_window(
    spans: list[tuple[int, int, bool]],
) -> None:
    looks = [EffectSample(begin * S, (begin + length) * S, there) for begin, length, there in spans]
    held = coverage_of(looks, 10 * S, 90 * S, 5 * S)
    missing_ns = sum(gap.until_ns - gap.from_ns for gap in held.gaps)
    assert held.proved_ns + missing_ns == 80 * S
    assert all(10 * S <= gap.from_ns < gap.until_ns <= 90 * S for gap in held.gaps)


def test_a_few_small_draws_in_a_row_say_nothing_and_a_long_run_of_them_does() -> None:
    row = signs(*((at, at, at not in (3, 4) and at < 10) for at in range(15)))
    kept = ignore_short_misses(row, 3)
    assert [sign.from_ns // S for sign in kept if not sign.present] == [10]
    assert kept[-1].until_ns == 14 * S


@given(st.integers(0, 60), st.integers(1, 400))
def test_an_exact_interval_leaves_half_of_the_error_on_each_side(hits: int, more: int) -> None:
    tries = hits + more
    low, high = rate_interval(hits, tries, 0.99)
    assert low <= hits / tries <= high
    at_most = sum(math.comb(tries, k) * high**k * (1 - high) ** (tries - k) for k in range(hits + 1))
    assert at_most == pytest.approx(0.005, rel=1e-6)
    if hits:
        fewer = sum(math.comb(tries, k) * low**k * (1 - low) ** (tries - k) for k in range(hits))
        assert 1 - fewer == pytest.approx(0.005, rel=1e-6)


def test_an_interval_of_many_counts_goes_on_where_the_exact_one_ends() -> None:
    exact, wilson = rate_interval(500, 1_000_000), rate_interval(501, 1_000_000)
    assert wilson[0] == pytest.approx(exact[0], rel=0.01)
    assert wilson[1] == pytest.approx(exact[1], rel=0.01)


def test_nothing_tried_says_nothing() -> None:
    assert rate_interval(0, 0) == (0.0, 1.0)
