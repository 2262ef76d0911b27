"""The table of the benchmarks: what a row says of itself, and that kept figures come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.machine import Origin
from benchmarks.pairs import Estimate
from benchmarks.row import Row, at_least, at_most


def row(
    figure: float, remark: str = "", measure: str = "tasks per second", baseline: str = "a bare loop"
) -> Row:
    """A row whose figure must be at least 3, and is wished to be 8."""
    return Row(
        measure=measure,
        baseline=baseline,
        unit="tasks/s",
        ours=Estimate(30_000, 29_000, 31_000),
        theirs=Estimate(10_000, 9_000, 11_000),
        figure=Estimate(figure, figure, figure),
        cores="all on 0",
        rounds=5,
        must=at_least(3),
        aim=at_least(8),
        remark=remark,
    )


@pytest.mark.parametrize(("figure", "verdict"), [(2.9, "missed"), (3, "met"), (7.9, "met"), (8, "aim")])
def test_a_row_says_whether_its_figure_is_reached(figure: float, verdict: str) -> None:
    assert row(figure).verdict == verdict


def test_a_ceiling_is_missed_from_above() -> None:
    assert at_most(2.2).holds(2.2)
    assert not at_most(2.2).holds(2.3)


def test_kept_figures_come_back_and_newer_ones_replace_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(page, "PAGE", tmp_path / "README.md")
    monkeypatch.setattr(page, "BENCHES", ("one", "two"))
    origin = Origin("2026-01-01 00:00", "0123456789ab", "a machine")
    page.keep({name: page.Measured(origin, 1.0, [row(3)]) for name in ("one", "two")})
    page.keep({"two": page.Measured(origin, 1.0, [row(8)])})
    assert {name: found.rows for name, found in page.kept().items()} == {"one": [row(3)], "two": [row(8)]}
    written = (tmp_path / "README.md").read_text()
    assert "| 3 × | ≥ 3 | ≥ 8 | met |" in written
    assert "| 8 × | ≥ 3 | ≥ 8 | aim |" in written
    assert "30,000 (29,000 … 31,000) tasks/s" in written


def test_the_page_says_first_what_was_missed_and_by_how_much() -> None:
    origin = Origin("2026-01-01 00:00", "0123456789ab", "a machine")
    found = page.summary({"one": page.Measured(origin, 1.0, [row(8), row(2)])})
    assert found.splitlines() == [
        "1 of 2 musts are met, all but these:",
        "",
        "- [one](#one): tasks per second, against a bare loop: 2 ×, must be ≥ 3",
    ]


def test_what_holds_for_all_rows_is_said_once() -> None:
    assert page.remarks([row(3, "quiet"), row(8, "quiet")]) == "- all: quiet\n"


def test_what_holds_for_some_rows_is_said_once_with_their_names() -> None:
    rows = [row(3, "quiet", "one"), row(3, "loud", "two"), row(3, "quiet", "three")]
    assert page.remarks(rows) == "- one; three: quiet\n- two: loud\n"


def test_rows_of_one_measure_are_distinguished_by_their_baselines() -> None:
    rows = [row(3, "quiet", "one", "a"), row(3, "quiet", "one", "b"), row(3, "loud", "one", "c")]
    assert page.remarks(rows) == "- one, against a; b: quiet\n- one, against c: loud\n"
