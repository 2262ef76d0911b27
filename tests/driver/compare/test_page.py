"""The page of a comparison: it works offline, draws each interval and storm, and is harmless."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from driver.compare.build import compared, page
from driver.compare.core import Group
from driver.compare.curves import BINS, Curves, binned, curves
from driver.compare.page import as_html, storm_plots
from tests.driver.compare.herds import herd
from tests.driver.judge.histories import Past, healthy_herd

STEPS = [(0, 0.0), (10 * BINS, 5.0), (11 * BINS, 1.0)]
FLAT = Curves(7.0, 17.0, [1.0] * BINS, [1.0] * BINS, [(0.25, 0.5)])
PEAKED = Curves(7.0, 17.0, [4.0] * BINS, [0.5] * BINS, [])


def groups(*names: str) -> list[Group]:
    return [Group(name, [herd(place)]) for place, name in enumerate(names)]


def test_a_bin_has_the_largest_value_that_was_in_it_and_the_next_ones_what_stayed() -> None:
    found = binned(STEPS, 0, 20 * BINS * BINS, max)
    assert found[0] == 5.0
    assert found[1] == 1.0
    assert len(found) == BINS


def test_a_runs_curves_span_its_faults() -> None:
    found = curves(healthy_herd().history())
    assert found is not None
    assert len(found.faults) == 2
    assert all(0 <= begin < end <= 1 for begin, end in found.faults)
    assert max(found.attempts_per_s) > 0
    assert min(found.connected) == 0.0


def test_a_storm_says_which_seconds_of_the_run_it_shows() -> None:
    past = Past(2)
    past.begin(zero_s=2.0)
    past.cut("cut", 22.0, 5.0)
    past.end(60)
    found = curves(past.history())
    assert found is not None
    assert (found.begin_s, found.end_s) == (17.0, 37.0)
    assert storm_plots({"a": found})[0].shown == "17 s to 37 s of the run"


def test_storms_share_one_scale() -> None:
    gentle, hard = storm_plots({"gentle": FLAT, "hard": PEAKED})
    assert "0,50.0" in gentle.attempts
    assert "0,0.0" in hard.attempts
    assert gentle.faults == [(BINS * 0.25, BINS * 0.25)]


def test_every_difference_and_every_place_is_on_the_page_with_its_interval() -> None:
    pair = compared([groups("a", "b")], [], 0.1)
    html = as_html(pair, {})
    for one in pair.comparisons[0].differences:
        assert one.metric in html
    assert html.count('<td class="drawn">\n<svg') == len(pair.comparisons[0].differences)
    ranked = as_html(compared([groups("a", "b", "c")], [], 0.1), {"a": FLAT})
    assert ranked.count("<tr class=") == 3
    assert ranked.count("<figure>") == 1


def test_the_page_makes_no_request() -> None:
    html = as_html(compared([groups("a", "b")], [], 0.1), {"a": FLAT, "b": PEAKED})
    assert not re.search(r"(?:src|href)=\"(?!data:)|url\(|@import|<script", html)


def test_many_notes_are_folded_so_that_the_figures_come_first() -> None:
    few, many = (as_html(compared([groups("a", "b")], ["a note"] * number, 0.1), {}) for number in (3, 30))
    assert "<details>" not in few
    assert "<details><summary>30 notes on the runs</summary>" in many


def test_names_with_markup_stay_text() -> None:
    hostile = [Group("<b>x</b>", [msgspec.structs.replace(herd(1), name="n")]), *groups("b")]
    html = as_html(compared([hostile], ["<i>note</i>"], 0.1), {"<u>s</u>": FLAT})
    assert not re.search(r"<(b|i|u)>", html)


def test_a_run_without_a_history_has_no_storm(tmp_path: Path) -> None:
    report = compared([groups("a", "b")], [], 0.1)
    assert "<figure>" not in page({"a": [tmp_path]}, report)
