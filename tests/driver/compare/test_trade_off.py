"""Time against attempts: the front names what no other surely beats, and only intervals recommend."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from driver.compare.build import compared
from driver.compare.core import Group, Sample
from driver.compare.markdown import as_markdown, ranking_rows
from driver.compare.page import as_html
from driver.compare.trade_off import BACK, PEAK, trade_off
from driver.metrics.trade_off import IntervalEstimate, Option, front, surely_gentlest, surely_soonest
from driver.report.charts.scatter import HEIGHT, MOST_RIGHT, scatter
from tests.driver.compare.herds import herd


def option(name: str, back_s: float, peak_per_s: float, around: float = 0.1) -> Option:
    def near(value: float) -> IntervalEstimate:
        return IntervalEstimate(value, value * (1 - around), value * (1 + around))

    return Option(name, near(back_s), near(peak_per_s))


def sample(seed: int, back_s: float | None, peak_per_s: float) -> Sample:
    drawn = random.Random(seed)
    run = herd(seed)
    back_s = None if back_s is None else back_s * drawn.uniform(0.97, 1.03)
    values = {**run.values, BACK: back_s, PEAK: peak_per_s * drawn.uniform(0.97, 1.03)}
    return Sample(**{name: getattr(run, name) for name in run.__struct_fields__} | {"values": values})


def group(name: str, back_s: float, peak_per_s: float, runs: int = 5) -> Group:
    return Group(name, [sample(len(name) * 10 + number, back_s, peak_per_s) for number in range(runs)])


HASTY, SLEEPY = group("hasty", 0.1, 900), group("sleepy", 5.0, 10)


def test_what_another_surely_beats_is_not_on_the_front() -> None:
    hasty, gentle, beaten = option("hasty", 0.1, 900), option("gentle", 2, 20), option("beaten", 3, 40)
    assert [one.name for one in front([beaten, gentle, hasty])] == ["hasty", "gentle"]


def test_what_intervals_do_not_separate_stays_on_the_front() -> None:
    one, other = option("one", 1.0, 100), option("other", 1.05, 105)
    assert [each.name for each in front([other, one])] == ["one", "other"]
    assert surely_soonest([one, other]) is surely_gentlest([one, other]) is None


def test_a_figure_without_an_interval_beats_nothing() -> None:
    once = [
        Option("good", IntervalEstimate(0.1), IntervalEstimate(1)),
        Option("bad", IntervalEstimate(9), IntervalEstimate(900)),
    ]
    assert len(front(once)) == 2


def test_a_cell_that_is_surely_best_in_both_is_recommended() -> None:
    found = trade_off([group("good", 0.3, 10), group("worse", 0.6, 50), group("worst", 3.0, 90)])
    assert found is not None
    assert (found.recommended, found.front) == ("good", ["good"])
    assert found.says.startswith("good is recommended")


def test_where_time_and_attempts_trade_off_nothing_is_recommended_and_the_front_is_named() -> None:
    found = trade_off([HASTY, SLEEPY, group("beaten", 6.0, 1000)])
    assert found is not None
    assert (found.recommended, found.front) == ("", ["hasty", "sleepy"])
    assert "hasty has surely the shortest time, sleepy has surely the lowest peak" in found.says


def test_single_runs_recommend_nothing_however_far_apart_they_are() -> None:
    report = compared([[group("good", 0.1, 1, runs=1), group("bad", 9, 900, runs=1)]], [], 0.1, matrix=True)
    assert report.rankings[0].trade_off is not None
    assert report.rankings[0].trade_off.recommended == ""
    assert "no cell is recommended" in report.because
    assert "best" not in report.because


def test_single_runs_are_ordered_and_not_ranked() -> None:
    cells = [group("good", 0.1, 1, runs=1), group("bad", 9, 900, runs=1)]
    report = compared([cells], [], 0.1, matrix=True)
    assert {row[0] for row in ranking_rows(report.rankings[0])} == {"–"}
    html = as_html(report, {})
    assert "ordered by" in html
    assert '<tr class="good">' not in html
    many = compared([[group("good", 0.1, 1), group("bad", 9, 900)]], [], 0.1, matrix=True)
    assert "1" in {row[0] for row in ranking_rows(many.rankings[0])}


def test_a_cell_with_a_run_that_was_never_back_has_no_time_to_be_ranked_by() -> None:
    never = Group("never", [sample(1, 0.1, 5), sample(2, None, 5), sample(3, 0.1, 5)])
    found = trade_off([HASTY, SLEEPY, never])
    assert found is not None
    assert [point.name for point in found.points] == ["hasty", "sleepy"]
    assert trade_off([HASTY, never]) is None


def test_the_page_draws_every_cell_with_its_intervals_and_names_the_front() -> None:
    report = compared([[HASTY, SLEEPY, group("beaten", 6.0, 1000)]], [], 0.1)
    html = as_html(report, {})
    assert html.count("<circle") == 3
    assert html.count('class="on-front"') == 2
    assert "On the Pareto front of time and peak attempts: hasty, sleepy." in html
    found = as_markdown(report)
    assert "| front | hasty |" in found
    assert "|  | beaten |" in found


@pytest.mark.parametrize("many", [2, 9, 18])
def test_names_in_the_picture_are_apart_and_inside_it(many: int) -> None:
    picture = scatter([option(f"policy-{number}", 1 + number / 1e3, 100) for number in range(many)])
    assert picture is not None
    places = sorted(mark.label_y for mark in picture.marks)
    assert all(later - earlier >= 15.9 for earlier, later in pairwise(places))
    assert places[0] >= 0
    assert places[-1] <= HEIGHT


def test_a_long_name_makes_room_for_itself_and_one_without_end_is_cut_short() -> None:
    def right(name: str) -> int:
        picture = scatter([option(name, 0.1, 10), option("bad", 1, 100)])
        assert picture is not None
        return picture.width - picture.right

    assert right("policy=decorrelated,cap=400") > right("good")
    assert right("x" * 500) <= MOST_RIGHT


def test_left_and_low_is_better_and_a_whisker_spans_its_interval() -> None:
    picture = scatter([option("good", 0.1, 10), option("bad", 1, 100)])
    assert picture is not None
    bad, good = picture.marks
    assert good.x < bad.x
    assert good.y > bad.y
    assert good.across[0] < good.x < good.across[1]
    assert good.along[0] > good.y > good.along[1]


def test_a_time_of_zero_is_drawn_all_the_same() -> None:
    nothing = Option("none", IntervalEstimate(0.0, 0.0, 0.0), IntervalEstimate(0.0, 0.0, 0.0))
    assert scatter([nothing, nothing]) is not None
