"""The command line: a mistake gets a sentence and its exit code, and nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.catalogue import ALL, choices, parameters
from driver.cli.main import CATALOGUE, run
from driver.exit_codes import MEANING, ExitCode
from driver.labs import lab_lock
from driver.scenarios.scenario_file import load_scenario, scenario_paths
from wire.declarations import DeclarationError

NO_ENGINE = "unix:///nonexistent/docker.sock"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ("upp", "There is no command 'upp'.\n        Did you mean up"),
        ("up --workers 0", "--workers takes 1 to 500; found 0."),
        ("up --workers -3", "--workers takes 1 to 500; found -3."),
        ("up --workers abc", "--workers takes a whole number; found 'abc'."),
        ("up --workers 501", "--workers takes 1 to 500; found 501."),
        ("up --port 0", "--port takes 1 to 65534; found 0."),
        ("up --port x", "Invalid value for '--port'"),
        ("up --project A/b", "--project 'A/b' is no name for a lab."),
        ("up --bogus", "No such option '--bogus'"),
        ("scenario", "Missing argument 'NAME'"),
        (
            "scenario thundering_heard",
            "there is no scenario 'thundering_heard'.\n        Did you mean thundering_herd",
        ),
        ("scenario thundering_herd --duration -5", "--duration takes more than 0 s"),
        (
            "scenario thundering_herd --duration soon",
            "--duration takes seconds, or a duration with its unit; found 'soon'.",
        ),
        ("scenario thundering_herd --seed -1", "--seed takes a whole number"),
        ("scenario thundering_herd --var x", "--var takes NAME=VALUE; found 'x'."),
        ("scenario thundering_herd --var nope=1", "has no variable 'nope'."),
        ("scenario nowhere/x.yaml", "there is no file nowhere/x.yaml."),
        ("judge nowhere", "There is no run 'nowhere'."),
        ("replay nowhere", "There is no run 'nowhere'."),
        ("report nowhere", "There is no run 'nowhere'."),
        ("scenario backoff_policies --keep", "--keep leaves one lab up"),
        ("inject latncy", "There is no fault 'latncy'.\n        Did you mean latency?"),
    ],
)
def test_wrong_use_is_reported_in_a_sentence(
    argv: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv.split()) == ExitCode.WRONG_USE
    said = capsys.readouterr()
    assert said.err.startswith("lab.py: ")
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "argv", ["up", "down", "status", "logs", "heal", "faults", "scenario thundering_herd"]
)
def test_a_named_engine_that_does_not_answer_is_the_lab_s_own_trouble(
    argv: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setenv("STORMLAB_ENGINE", "compose")
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path / "locks")
    assert run(argv.split()) == ExitCode.LAB_BROKE
    said = capsys.readouterr().err
    assert "No Docker engine answers." in said
    assert "python lab.py setup" in said
    assert "Traceback" not in said


def test_the_help_lists_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == ExitCode.PASSED
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in CATALOGUE)
    assert all(f"  {code.value:<4}{text}" in said for code, text in MEANING.items())


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_command_of_the_catalogue_is_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == ExitCode.PASSED
    assert f"Usage: lab.py {name}" in capsys.readouterr().out


def test_a_plan_is_shown_without_an_engine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    assert (
        run(["scenario", "thundering_herd", "--dry-run", "--workers", "2", "--seed", "1"]) == ExitCode.PASSED
    )
    assert "worker-1, worker-2" in capsys.readouterr().out


def test_a_bug_is_reported_with_its_place_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down() -> None:
        raise KeyError("lost")

    monkeypatch.setattr("driver.cli.main.commands.main", lambda *_, **__: break_down())
    assert run(["status"]) == ExitCode.LAB_BROKE
    said = capsys.readouterr().err
    assert "The lab itself has a bug: KeyError: 'lost'" in said
    assert "test_cli.py:" in said
    assert "Traceback" not in said


def test_a_module_that_declares_nothing_is_a_usage_error_with_its_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down() -> None:
        raise DeclarationError("chaos/faults/mine.py: expected a fault; found none")

    monkeypatch.setattr("driver.cli.main.commands.main", lambda *_, **__: break_down())
    assert run(["status"]) == ExitCode.WRONG_USE
    said = capsys.readouterr().err
    assert "chaos/faults/mine.py: expected a fault; found none." in said
    assert "bug" not in said


def test_the_version_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("stormlab ")


def test_the_suite_lists_its_entries_and_its_time_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suite", "--list", "--quick", "--only", "slow_link,tests"]) == ExitCode.PASSED
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("2 entries, ")
    assert told[0].endswith(" at most")
    assert [line.split()[0] for line in told[3:]] == ["tests", "slow_link"]


def test_the_list_of_faults_names_the_values_of_a_parameter_that_takes_only_some(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["inject", "--help"]) == ExitCode.PASSED
    shown = capsys.readouterr().out
    values = {name: choices(kind, name) for kind in ALL for name in parameters(kind)}
    assert values["direction"] == ["to_worker", "to_coordinator", "both"]
    assert all(
        f"--{name.replace('_', '-')}={'|'.join(some)}" in shown for name, some in values.items() if some
    )


def test_every_example_of_inject_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inject", "--help"]) == ExitCode.PASSED
    examples = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    lab.py")]
    assert examples
    assert [line for line in examples if len(line) > 80] == []


@pytest.mark.parametrize("columns", [80, 200])
def test_scenarios_lists_each_on_one_line(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver.terminal.PIPE_COLUMNS", columns)
    assert run(["scenarios"]) == ExitCode.PASSED
    lines = capsys.readouterr().out.splitlines()
    names = list(scenario_paths())
    listed = [line.split()[0] for line in lines[lines.index("") - len(names) : lines.index("")]]
    assert listed == names
    assert max(map(len, lines)) <= columns


def test_scenarios_with_a_name_shows_its_whole_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenarios", "half_open"]) == ExitCode.PASSED
    shown = capsys.readouterr().out
    comment = load_scenario(scenario_paths()["half_open"]).teaches
    assert shown.startswith("half_open: 20 workers, 120s; last run: ")
    assert all(line in shown for line in comment.splitlines())


def test_scenarios_with_long_shows_whole_claims(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver.terminal.PIPE_COLUMNS", 1_000)
    assert run(["scenarios", "--long"]) == ExitCode.PASSED
    shown = capsys.readouterr().out
    assert all(load_scenario(path).claim in shown for path in scenario_paths().values())
