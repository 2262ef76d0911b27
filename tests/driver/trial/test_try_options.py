"""Claims about the options of `lab.py try` that a report repeats."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from driver.cli.try_ import _options_again, command


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
