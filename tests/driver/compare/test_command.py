"""`lab.py compare` as it is typed: what it exits with, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from driver.cli.main import run as lab
from driver.results.judged_run import judge_run
from tests.driver.judge.histories import healthy_herd


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    names = []
    for name in ("before", "after"):
        folder = tmp_path / f"20261124T021500Z-{name}"
        healthy_herd().write(folder, ["task_success_rate >= 90%"], planned_faults=2)
        judge_run(folder)
        names.append(str(folder))
    return names


def test_one_run_against_one_is_undecided(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert lab(["compare", *runs]) == 2
    assert "undecided: 1 against 1 runs are too few" in capsys.readouterr().out


def test_three_runs_a_side_that_are_alike_are_no_regression(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [f"{name}={run}" for name, run in zip(("old", "new"), runs, strict=True)]
    assert lab(["compare", *(word for side in sides for word in ["--group", side] * 3)]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_run_that_fails_now_is_a_regression_against_its_baseline(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Path(runs[1]) / "verdict.json"
    verdict.write_text(verdict.read_text().replace('"verdict": "passed"', '"verdict": "failed"'))
    assert lab(["compare", runs[1], "--against", runs[0], "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["comparisons"][0]["regressions"] == ["verdict"]


def test_markdown_and_page_are_written_where_they_are_wanted(runs: list[str], tmp_path: Path) -> None:
    markdown, html = tmp_path / "c.md", tmp_path / "c.html"
    assert lab(["compare", *runs, "--markdown", str(markdown), "--html", str(html)]) == 2
    assert markdown.read_text().startswith("# ❔")
    assert html.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["/nowhere"],
        ["--group", "old"],
        ["--tolerance", "-1%"],
        ["--tolerance", "much"],
        ["--by", "reconection_time"],
    ],
)
def test_wrong_use_is_refused(runs: list[str], more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sides = runs if more and more[0].startswith("--") and more[0] != "--group" else runs[:1]
    assert lab(["compare", *sides, *more]) == 64
    assert capsys.readouterr().err.startswith("lab.py: ")


def test_two_groups_are_compared_by_the_named_metric_too(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [
        word for name, run in zip(("old", "new"), runs, strict=True) for word in ("--group", f"{name}={run}")
    ]
    assert lab(["compare", *sides * 3, "--by", "time_to_all_back_s", "--json"]) == 0
    (comparison,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert "time_to_all_back_s" in [one["metric"] for one in comparison["differences"]]


def test_groups_are_ranked_by_any_metric(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sides = [word for name in ("a", "b", "c") for word in ("--group", f"{name}={runs[0]}")]
    assert lab(["compare", *sides * 3, "--by", "time_to_all_back_s", "--json"]) == 0
    (ranking,) = json.loads(capsys.readouterr().out)["rankings"]
    assert ranking["metric"] == "time_to_all_back_s"
    assert [place["rank"] for place in ranking["places"]] == [1, 1, 1]


def test_single_runs_refuse_a_metric_that_is_none_of_single_workers(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(["compare", *runs, "--by", "time_to_all_back_s"]) == 64
    err = capsys.readouterr().err
    assert "needs 3 runs on each side" in err
    assert "reconnection_time_mean_s" in err


def test_groups_are_made_of_several_folders(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (f"old={runs[0]}", f"new={runs[1]}")
    assert lab(["compare", "--group", old, "--group", old, "--group", new, "--json"]) == 2
    comparison = json.loads(capsys.readouterr().out)["comparisons"][0]
    assert (comparison["before"], comparison["runs_before"], comparison["runs_after"]) == ("old", 2, 1)
