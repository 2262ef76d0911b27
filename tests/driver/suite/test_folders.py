"""Claims about folders of scenarios, as `lab.py suite FOLDER` takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from driver.cli.suite import command
from driver.errors import UsageError
from driver.scenarios.scenario_file import scenarios_under


def _scenario(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# A worker works.\nworkers: 1\nduration: 5s\n")
    return path


def test_the_scenarios_of_a_folder_are_those_of_each_folder_called_scenarios_in_it(tmp_path: Path) -> None:
    one = _scenario(tmp_path / "one" / "scenarios" / "cut.yaml")
    two = _scenario(tmp_path / "two" / "scenarios" / "kill.yaml")
    _scenario(tmp_path / "two" / "compose.yaml")
    assert scenarios_under(tmp_path) == {"cut": one, "kill": two}


def test_a_folder_called_scenarios_has_its_own_files_alone(tmp_path: Path) -> None:
    one = _scenario(tmp_path / "scenarios" / "cut.yaml")
    assert scenarios_under(tmp_path / "scenarios") == {"cut": one}


def test_a_folder_without_scenarios_is_refused_with_where_they_were_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no scenarios") as refused:
        scenarios_under(tmp_path)
    assert str(tmp_path / "scenarios") in str(refused.value.hint)


def test_two_scenarios_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    one = _scenario(tmp_path / "one" / "scenarios" / "cut.yaml")
    two = _scenario(tmp_path / "two" / "scenarios" / "cut.yaml")
    with pytest.raises(UsageError) as refused:
        scenarios_under(tmp_path)
    assert str(one) in str(refused.value)
    assert str(two) in str(refused.value)


def test_the_suite_of_a_folder_has_its_scenarios_alone(tmp_path: Path) -> None:
    _scenario(tmp_path / "scenarios" / "cut_of_mine.yaml")
    done = CliRunner().invoke(command, [str(tmp_path), "--list"])
    assert done.output.startswith("1 entries")
    assert "cut_of_mine" in done.output


def test_a_folder_and_a_name_are_both_in_the_suite(tmp_path: Path) -> None:
    _scenario(tmp_path / "scenarios" / "cut_of_mine.yaml")
    done = CliRunner().invoke(command, [str(tmp_path), "slow_link", "--list"])
    assert "cut_of_mine" in done.output
    assert "slow_link" in done.output


def test_a_scenario_s_file_is_in_the_suite_alone(tmp_path: Path) -> None:
    file = _scenario(tmp_path / "scenarios" / "cut_of_mine.yaml")
    _scenario(tmp_path / "scenarios" / "kill_of_mine.yaml")
    done = CliRunner().invoke(command, [str(file), "--list"])
    assert done.output.startswith("1 entries")
    assert "cut_of_mine" in done.output


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cut_of_mine"):
        CliRunner().invoke(command, [str(tmp_path / "cut_of_mine.yaml"), "--list"], catch_exceptions=False)
