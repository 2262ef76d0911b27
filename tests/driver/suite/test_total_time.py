"""Every summary of something long begins with its total time."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.groups import show_group
from driver.cli.main import run as lab
from driver.cli.suite import _print_summary
from driver.cli.verdicts import show_verdict
from driver.histories.events import LoadEndedEarly
from driver.judging.verdict import RunOutcome
from driver.results.group_file import GroupRun, summed_up
from driver.results.judged_run import judge_run
from driver.suite.reports import took
from tests.driver.judge.histories import healthy_herd
from tests.driver.suite.test_reports import EVERY


def first_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[0]


def test_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = judge_run(healthy_herd().write(tmp_path / "20261124T021500Z-herd", planned_faults=2))
    show_verdict(run, as_json=False)
    whole_s = (run.history.end_ns - run.history.begin_ns) / 1e9
    assert first_line(capsys) == f"herd: {took(whole_s)} in all, 60 s of them load, seed 1"


def test_of_a_run_whose_load_ended_early(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past = healthy_herd()
    past.emit("driver", LoadEndedEarly, 50, early_s=12.0)
    show_verdict(judge_run(past.write(tmp_path / "20261124T021500Z-herd", planned_faults=2)), as_json=False)
    assert "48 s of them load (of 60 s, until all was decided), seed 1" in first_line(capsys)


def test_of_a_group_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        GroupRun(
            label="cap=1", round=number, seed=1, variables={}, folder="", verdict=RunOutcome.passed,
            because="all passed", took_s=45.0,
        )
        for number in (1, 2)
    ]  # fmt: skip
    show_group(tmp_path, summed_up(tmp_path, "caps", runs, 2), as_json=False)
    assert first_line(capsys) == "caps: 2 of 2 runs, 90 s in all"


def test_of_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _print_summary(EVERY, tmp_path, as_json_wanted=False)
    assert first_line(capsys) == f"61 s in all, {len(EVERY.results)} entries"


def test_of_a_suite_that_is_only_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab(["suite", "--list", "tests", "thundering_herd"]) == 0
    assert first_line(capsys).startswith("2 entries, ")


@pytest.mark.parametrize(("seconds", "told"), [(61.0, "61 s"), (600.0, "10.0 min"), (37_362.0, "10.4 h")])
def test_long_times_are_reported_in_longer_units(seconds: float, told: str) -> None:
    assert took(seconds) == told
