"""What is real and what is noise: on runs of one system, and on runs of two."""

from __future__ import annotations

import random
import re

import msgspec
import pytest

from driver.compare.build import compared
from driver.compare.compared_metrics import BY_RUN, CLIENTS, RUNS, weight
from driver.compare.core import Comparison, Group, Sample, compare
from driver.compare.statistics import ALPHA, MeanDifference, corrected, interval, of_clients, of_runs
from driver.exit_codes import ExitCode
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


def test_one_run_against_one_compares_workers_and_says_what_that_leaves_undecided() -> None:
    comparison = pair(1)
    assert comparison.level == CLIENTS
    assert "not whether the systems do" in comparison.notes[0]
    assert "task_latency_p50_s" not in {one.metric for one in comparison.differences}


def test_three_runs_on_each_side_compare_runs() -> None:
    comparison = pair(1, runs=3)
    assert comparison.level == RUNS
    assert "task_latency_p50_s" in {one.metric for one in comparison.differences}


def test_runs_that_are_alike_by_chance_make_no_small_change_sure() -> None:
    assert of_runs([4.0, 4.0, 4.0], [4.4, 4.4, 4.4]).p > 0.01


def test_the_same_numbers_differ_by_nothing() -> None:
    for effect in (of_runs([0.0, 0.0], [0.0, 0.0]), of_clients([2.0, 2.0], [2.0, 2.0])):
        assert (effect.change, effect.low, effect.high, effect.p) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("measure", [of_runs, of_clients])
def test_intervals_hold_the_true_change_nineteen_times_in_twenty(measure: object) -> None:
    assert callable(measure)
    rng = random.Random(7)
    held = 0
    for _ in range(200):
        before, after = ([rng.gauss(mean, 1.0) for _ in range(20)] for mean in (10.0, 11.0))
        effect = measure(before, after)
        assert isinstance(effect, MeanDifference)
        held += effect.low <= 1.0 <= effect.high
    assert 180 <= held <= 199


def test_many_p_values_are_corrected_as_benjamini_and_hochberg_do_and_keep_their_order() -> None:
    assert corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert corrected([0.5, 0.6]) == pytest.approx([0.6, 0.6])
    assert corrected([]) == []


def family_of_runs(rng: random.Random, runs: int, change: float = 1.0) -> list[list[float]]:
    """All that is compared, in runs that vary by 5 %; the median latency is `change` times as large."""
    means = {name: change if name == "task_latency_p50_s" else 1.0 for name in BY_RUN}
    return [[rng.gauss(mean, 0.05 * mean) for _ in range(runs)] for mean in means.values()]


def chances_of(before: list[list[float]], after: list[list[float]]) -> dict[str, float]:
    found = corrected(
        [of_runs(*pair).p for pair in zip(before, after, strict=True)], [weight(name) for name in BY_RUN]
    )
    return dict(zip(BY_RUN, found, strict=True))


@pytest.mark.parametrize("runs", [3, 5])
def test_a_system_compared_with_itself_differs_in_one_of_twenty_comparisons_at_most(runs: int) -> None:
    rng = random.Random(runs)
    found = 0
    for _ in range(300):
        chances = chances_of(family_of_runs(rng, runs), family_of_runs(rng, runs))
        found += min(chances.values()) < ALPHA[RUNS]
    assert found <= 0.05 * 300


def test_a_change_of_a_fifth_in_the_latency_alone_is_found_nine_times_of_ten_from_five_runs_each() -> None:
    rng = random.Random(5)
    found = 0
    for _ in range(300):
        chances = chances_of(family_of_runs(rng, 5), family_of_runs(rng, 5, change=1.2))
        found += chances["task_latency_p50_s"] < ALPHA[RUNS]
    assert found >= 0.9 * 300


def test_a_change_as_large_as_seen_from_is_found_nine_times_of_ten() -> None:
    rng = random.Random(9)
    five = [0.93, 0.98, 1.0, 1.02, 1.07]  # with a standard deviation of 0.051
    seen_from = of_runs(five, five).seen_from(1.0)
    found = 0
    for _ in range(300):
        before, after = ([rng.gauss(mean, 0.05) for _ in range(5)] for mean in (1.0, 1.0 + seen_from))
        found += of_runs(before, after).p < ALPHA[RUNS]
    assert found >= 0.85 * 300


def slower(seed: int, more_s: float) -> Sample:
    """A run whose tasks take `more_s` longer than 110 ms, within 3 % from run to run."""
    run = herd(seed)
    latency_s = (0.11 + more_s) * random.Random(seed).gauss(1.0, 0.03)
    return msgspec.structs.replace(run, values=run.values | {"task_latency_p50_s": latency_s})


def test_fifty_milliseconds_more_latency_are_found_in_five_runs_against_three() -> None:
    before = Group("before", [slower(seed, 0.0) for seed in range(5)])
    after = Group("after", [slower(seed, 0.05) for seed in range(5, 8)])
    found = compare(before, after, TOLERANCE)
    assert "task_latency_p50_s" in found.regressions
    assert not found.undecided


def test_a_comparison_says_how_large_a_difference_it_could_have_found() -> None:
    shown = compared([[Group(name, [herd(n) for n in range(3)]) for name in "ab"]], [], 0.1)
    assert re.search(r"a change of \d+% would have been found in every metric", shown.because)


def test_one_run_against_one_names_no_regression_and_ends_undecided() -> None:
    report = compared([[Group("a", [herd(1)]), Group("b", [herd(501, cap_s=1.6)])]], [], TOLERANCE)
    assert report.exit_code == ExitCode.INCONCLUSIVE
    assert report.comparisons[0].real
    assert report.comparisons[0].regressions == []


def test_a_side_that_is_wholly_inconclusive_ends_undecided() -> None:
    sides = [
        Group("a", [herd(n) for n in range(5)]),
        Group("b", [herd(n, verdict="inconclusive") for n in range(5)]),
    ]
    report = compared([sides], [], TOLERANCE)
    assert report.exit_code == ExitCode.INCONCLUSIVE
    assert report.because == "undecided: every run of b is inconclusive (herd)"


def test_runs_without_a_common_figure_end_undecided() -> None:
    bare = [msgspec.structs.replace(herd(n), values={}, by_client={}) for n in range(6)]
    report = compared([[Group("a", bare[:3]), Group("b", bare[3:])]], [], TOLERANCE)
    assert report.exit_code == ExitCode.INCONCLUSIVE


def test_a_single_number_has_no_interval() -> None:
    assert interval([1.0], per_run=True) is None


def test_the_same_runs_give_the_same_answer() -> None:
    assert pair(3, cap_s=0.8) == pair(3, cap_s=0.8)
