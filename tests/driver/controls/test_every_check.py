"""Every check passes on some history, and a control that it declares turns it red there."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import pytest

from driver.checks import CHECKS
from driver.checks.check import Check, Params
from driver.checks.finding import Finding, Status, passed
from driver.controls import CONTROLS, with_reds
from driver.controls.reds import red_of
from driver.histories.history import History
from driver.judging.expectations import Question, questions
from driver.judging.verdict import RunOutcome
from driver.metrics import Metrics, measure
from driver.report.html_page import render_html
from driver.report.markdown import render_markdown
from driver.results.judged_run import judge_run
from driver.scenarios.thresholds import parse_expectations
from tests.driver.judge.histories import healthy_herd
from tests.second_judge.test_agreement import PARAMS, history_of

SEEDS = 110
Asked = tuple[History, Question, Finding]


def question(name: str) -> Question:
    """A check as the second judge's histories are judged, so that short ones reach its bounds."""
    [found] = [
        one for one in questions(parse_expectations([{name: PARAMS.get(name, {})}])) if one.name == name
    ]
    return found


@cache
def history(seed: int) -> History:
    return history_of(seed)


def passing(name: str) -> list[tuple[int, Question]]:
    """The seeds of drained runs on which a check passes; of a run without a drain, nothing can be lost."""
    asked = question(name)
    found = []
    for seed in range(SEEDS):
        one = history(seed)
        drained = question("nothing_lost").finding(one, measure(one)).status is not Status.unknown
        if drained and asked.finding(one, measure(one)).status is Status.passed:
            found.append((seed, asked))
        if len(found) == 3:
            break
    return found


@pytest.mark.parametrize("name", CHECKS)
def test_what_a_check_declares_or_any_control_turns_it_red_where_it_passes(name: str) -> None:
    declared = [CONTROLS[one] for one in CHECKS[name].broken_by] or None
    seeds = passing(name)
    assert seeds, f"{name} passes on no history"
    reds = {seed: red_of(history(seed), asked, declared) for seed, asked in seeds}
    assert any(reds.values()), reds


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_always_passes_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = dataclasses.replace(CHECKS[name], judge=lambda *_: passed(name, "all is well"))
    monkeypatch.setitem(CHECKS, name, mutant)
    one = healthy_herd().history()
    asked = question(name)
    [found] = with_reds(one, [asked], [asked.finding(one, measure(one))])
    assert found.status is Status.unknown
    assert "no change of this history makes it fail" in found.because


def judged(folder: Path, expect: list[object]) -> tuple[RunOutcome, str]:
    verdict = judge_run(healthy_herd().write(folder, expect, controls=True)).verdict
    return verdict.verdict, verdict.because


EXPECT: list[object] = ["converged_after_healing", "task_success_rate >= 95%", "time_to_all_back <= 10s"]


def test_each_finding_of_a_passing_run_has_its_red_in_the_stored_verdict(tmp_path: Path) -> None:
    run = judge_run(healthy_herd().write(tmp_path, EXPECT, controls=True))
    assert run.verdict.verdict is RunOutcome.passed
    assert all(one.red and one.red.change for one in run.verdict.findings)
    reds = {one.check: one.red.change for one in run.verdict.findings if one.red}
    assert reds["nothing_lost"] == "the result of t-60.900 forgotten"


def test_a_check_that_always_passes_makes_the_run_inconclusive_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = dataclasses.replace(CHECKS["nothing_lost"], judge=_blind)
    monkeypatch.setitem(CHECKS, "nothing_lost", blind)
    outcome, because = judged(tmp_path, EXPECT)
    assert outcome is RunOutcome.inconclusive
    assert because.startswith("nothing_lost: no change of this history makes it fail")


def test_a_threshold_that_cannot_be_missed_makes_the_run_inconclusive(tmp_path: Path) -> None:
    outcome, because = judged(tmp_path, ["task_success_rate >= 0%"])
    assert outcome is RunOutcome.inconclusive
    assert because.startswith("task_success_rate >= 0%: no change")


def test_reports_show_the_red_of_each_finding_in_few_words(tmp_path: Path) -> None:
    run = judge_run(healthy_herd().write(tmp_path, EXPECT, controls=True))
    markdown, page = render_markdown(run), render_html(run)
    red = "red with the last connection of worker-1 forgotten"
    assert f"after the last heal ({red}) |" in markdown
    assert f'<div class="red">{red}</div>' in page
    said = f"{len(run.verdict.findings)} findings that passed failed on a changed copy of this run"
    assert said in markdown
    assert said in page


def test_a_bound_longer_than_the_run_can_be_missed_too(tmp_path: Path) -> None:
    outcome, because = judged(tmp_path, ["task_latency_p99 <= 600s"])
    assert outcome is RunOutcome.passed, because


def test_without_controls_the_same_run_passes_and_shows_no_red(tmp_path: Path) -> None:
    run = judge_run(healthy_herd().write(tmp_path, ["task_success_rate >= 0%"]))
    assert run.verdict.verdict is RunOutcome.passed
    assert not any(one.red for one in run.verdict.findings)


def _blind(history: History, metrics: Metrics, params: Params) -> Finding:
    return passed("nothing_lost", "all is well")


def test_an_error_in_a_check_on_a_changed_history_is_no_red() -> None:
    one = healthy_herd().history()

    def fragile(history: History, metrics: Metrics, params: Params) -> Finding:
        if history is not one:
            raise ValueError("changed")
        return passed("nothing_lost", "all is well")

    check = dataclasses.replace(CHECKS["nothing_lost"], judge=fragile, fails=False)
    asked = Question("nothing_lost", lambda *of: _alone(check, *of), lambda _, found: found, fails=False)
    assert red_of(one, asked) is None


def _alone(check: Check, history: History, metrics: Metrics) -> Finding:
    from driver.checks import judge_alone

    return judge_alone(check, history, metrics, {})
