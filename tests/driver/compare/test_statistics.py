"""What is real and what is noise: on runs of one system, and on runs of two."""

from __future__ import annotations

import random

import pytest

from driver.compare.core import RUNS, WORKERS, Comparison, Group, compare
from driver.compare.statistics import Effect, holm, interval, of_runs, of_workers
from tests.driver.compare.herds import herd

PAIRS = 20
TOLERANCE = 0.10


def pair(number: int, cap_s: float = 0.4, runs: int = 1, workers: int = 20) -> Comparison:
    def side(name: str, first: int, cap: float) -> Group:
        return Group(name, [herd(first + turn, cap, workers) for turn in range(runs)])

    begin = 1000 * number
    return compare(side("before", begin, 0.4), side("after", begin + 500, cap_s), TOLERANCE)


def names(comparison: Comparison) -> set[str]:
    return {one.metric for one in comparison.real}


@pytest.mark.parametrize("runs", [1, 3])
def test_twenty_pairs_of_one_system_report_at_most_one_difference(runs: int) -> None:
    reports = [pair(number, runs=runs) for number in range(PAIRS)]
    assert sum(1 for report in reports if report.real) <= 1


@pytest.mark.parametrize(("runs", "workers"), [(1, 20), (1, 10), (3, 20)])
def test_a_doubled_cap_is_reported_every_time(runs: int, workers: int) -> None:
    for number in range(PAIRS):
        assert "longest_wait_mean_s" in names(pair(number, cap_s=0.8, runs=runs, workers=workers))


def test_a_longer_cap_is_a_regression_where_the_way_back_takes_longer() -> None:
    found = [pair(number, cap_s=1.6, runs=5) for number in range(PAIRS)]
    assert all("back_after_heal_mean_s" in one.regressions for one in found)


def test_what_is_better_is_no_regression() -> None:
    before, after = (Group(str(cap), [herd(seed, cap) for seed in range(5)]) for cap in (0.8, 0.4))
    comparison = compare(before, after, TOLERANCE)
    assert "back_after_heal_mean_s" in names(comparison)
    assert comparison.regressions == ["attempts_per_reconnection_mean"]


def test_what_is_within_the_tolerance_is_no_regression() -> None:
    before, after = (Group(str(cap), [herd(seed, cap) for seed in range(5)]) for cap in (0.4, 0.8))
    comparison = compare(before, after, tolerance=5.0)
    assert "back_after_heal_mean_s" in names(comparison)
    assert comparison.regressions == []


def test_one_run_against_one_compares_workers_and_says_what_that_cannot_tell() -> None:
    comparison = pair(1)
    assert comparison.level == WORKERS
    assert "not whether the systems do" in comparison.notes[0]
    assert "task_latency_p50_s" not in {one.metric for one in comparison.differences}


def test_three_runs_on_each_side_compare_runs() -> None:
    comparison = pair(1, runs=3)
    assert comparison.level == RUNS
    assert "task_latency_p50_s" in {one.metric for one in comparison.differences}


def test_runs_that_are_alike_by_chance_make_no_small_change_sure() -> None:
    assert of_runs([4.0, 4.0, 4.0], [4.4, 4.4, 4.4]).p > 0.01


def test_the_same_numbers_differ_by_nothing() -> None:
    for effect in (of_runs([0.0, 0.0], [0.0, 0.0]), of_workers([2.0, 2.0], [2.0, 2.0])):
        assert (effect.change, effect.low, effect.high, effect.p) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("measure", [of_runs, of_workers])
def test_intervals_hold_the_true_change_nineteen_times_in_twenty(measure: object) -> None:
    assert callable(measure)
    rng = random.Random(7)
    held = 0
    for _ in range(200):
        before, after = ([rng.gauss(mean, 1.0) for _ in range(20)] for mean in (10.0, 11.0))
        effect = measure(before, after)
        assert isinstance(effect, Effect)
        held += effect.low <= 1.0 <= effect.high
    assert 180 <= held <= 199


def test_holm_multiplies_the_smallest_by_how_many_there_are_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_single_number_has_no_interval() -> None:
    assert interval([1.0], per_run=True) is None


def test_the_same_runs_give_the_same_answer() -> None:
    assert pair(3, cap_s=0.8) == pair(3, cap_s=0.8)
