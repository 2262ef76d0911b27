"""Claims about `lab.py try`: the options that a report repeats, and what is said of a step at once."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driver.cli.try_ import _options_again, _say_outcome, command
from driver.trial.programme import KINDS, TrialStep
from driver.trial.step_outcome import StepOutcome, StepVerdict


@pytest.mark.parametrize(
    ("given", "again"),
    [
        (["--log-level", "WARNING"], []),
        (["--log-level", "WARNING", "--wait", "9s"], ["--wait", "9s"]),
        (["--only", "cut", "--budget", "2m", "--json"], []),
        (["--listens", "db:5432", "--bypass", "db"], ["--listens", "db:5432", "--bypass", "db"]),
    ],
    ids=["log level", "log level and wait", "of one trial alone", "of the system"],
)
def test_a_report_repeats_the_options_that_a_person_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], again: list[str]
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    file = tmp_path / "compose.yaml"
    file.write_text("services: {}\n")
    with command.make_context("try", [str(file), *given]):
        assert _options_again() == again


def test_a_step_is_not_said_to_have_come_back_before_its_fault_is_proved() -> None:
    lines: list[str] = []
    cut = TrialStep(KINDS[0], "api->db:5432")
    back = StepOutcome(step=cut, verdict=StepVerdict.came_back, after_s=0.4)
    _say_outcome(cast(Any, SimpleNamespace(info=lines.append)), 1, 9, back)
    assert lines == ["[ 1/9] cut api->db:5432: all as before in 0.4 s, if its fault is proved"]
