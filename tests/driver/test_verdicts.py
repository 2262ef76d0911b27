"""The verdict on a run, as a terminal shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.checks.finding import passed
from driver.cli.verdicts import show_summary, show_verdict
from driver.histories import events as driver
from driver.histories.link_events import CLIENT
from driver.judging.verdict import judge
from driver.reference.advice import advise
from driver.results.judged_run import JudgedRun, judge_run
from tests.driver.judge.door_journal import LINK, DoorPast
from tests.driver.judge.histories import healthy_herd
from tests.driver.judge.test_system_report import run_of


def test_that_the_machine_was_too_busy_is_shown_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = healthy_herd()
    past.forget("driver", driver.Receipt)
    past.busy(1, 40)
    run = judge_run(
        past.write(tmp_path / "20261124T021500Z-herd", ["task_latency_p99 <= 1ms"], planned_faults=2)
    )
    assert "too busy" in run.verdict.because
    show_verdict(run, as_json=False)
    show_summary(run, as_json=False)
    shown = capsys.readouterr().out
    assert shown.count("this machine was too busy: 30 processes wanted to run on 2 cores over 10 s.") == 1
    assert shown.count("too busy") == 1


def test_a_verdict_on_a_system_of_ones_own_advises_no_setting_of_the_reference_system(
    capsys: pytest.CaptureFixture[str],
) -> None:
    past = DoorPast()
    past.named()
    past.fault("cut", "refuse", [LINK], 5.0, 3.0)
    past.carried(1.0, 5.001)
    past.carried(16.0, 20.0, CLIENT)
    drawn = run_of(past)
    required = ("traffic_flowed", "faults_were_proved")
    found = [passed(name, "it holds", measured=0, threshold=0, margin=0) for name in required]
    run = JudgedRun(drawn.folder, drawn.record, drawn.history, drawn.metrics, judge(found))
    assert advise(run.history, run.metrics, run.verdict.findings), "the link was back late"
    show_summary(run, as_json=False)
    assert "Nothing to change was found." in " ".join(capsys.readouterr().out.split())
