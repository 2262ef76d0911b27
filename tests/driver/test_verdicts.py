"""The verdict on a run, as a terminal shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.verdicts import show_verdict
from driver.histories import events as driver
from driver.results.judged_run import judge_run
from tests.driver.judge.histories import healthy_herd


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
    shown = capsys.readouterr().out
    assert shown.count("this machine was too busy: 30 processes wanted to run on 2 cores over 10 s.") == 1
    assert shown.count("too busy") == 1
