"""The Tab key: commands, options, scenarios, faults and runs, in a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from driver.cli import completers, main
from driver.cli.completion import SCRIPTS, script
from driver.cli.main import CATALOGUE, COMPLETE_VARIABLE
from driver.scenarios.scenario_file import scenario_paths

ROOT = Path(__file__).resolve().parents[2]


def offered(line: str, folder: Path = ROOT) -> list[str]:
    """What the program offers for the last word of a line, as fish asks for it."""
    words = {"COMP_WORDS": line, "COMP_CWORD": line.rpartition(" ")[2], COMPLETE_VARIABLE: "fish_complete"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "lab.py")], env={**os.environ, **words}, cwd=folder,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == "", done.stderr
    return [one.partition(",")[2].partition("\t")[0] for one in done.stdout.splitlines()]


def test_commands_are_offered_with_what_they_do_and_none_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main._Commands, "get_command", lambda *_: pytest.fail("a command was loaded"))
    found = main.commands.shell_complete(click.Context(main.commands), "")
    assert [(one.value, one.help) for one in found] == list(CATALOGUE.items())


def test_commands_are_offered_in_a_shell() -> None:
    assert offered("lab.py ") == list(CATALOGUE)
    assert offered("lab.py scen") == ["scenarios", "scenario"]


@pytest.mark.parametrize("command", ["scenario", "validate", "suite"])
def test_scenarios_are_offered_by_name(command: str) -> None:
    known = [name for name in scenario_paths() if name.startswith("th")]
    assert "thundering_herd" in known
    assert offered(f"lab.py {command} th") == known


def test_faults_and_their_parameters_are_offered() -> None:
    assert "latency" in offered("lab.py inject la")
    assert "--mean" in offered("lab.py inject latency --me")


@pytest.mark.parametrize("command", ["judge", "report", "replay", "compare"])
def test_runs_are_offered_by_their_folder_the_newest_first(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("20261101T000000Z-herd", "20261102T000000Z-storm"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(completers, "results_root", lambda: tmp_path)
    context = main.commands.make_context("lab.py", [command], resilient_parsing=True)
    found = main.commands.get_command(context, command)
    assert found is not None
    argument = next(one for one in found.params if one.name in ("run", "name", "names"))
    shown = [one.value for one in argument.shell_complete(context, "")]
    assert shown == ["latest", "20261102T000000Z-storm", "20261101T000000Z-herd"]
    assert [one.value for one in argument.shell_complete(context, "herd")] == ["20261101T000000Z-herd"]


def test_what_is_no_command_offers_nothing_and_disturbs_no_line() -> None:
    words = {"COMP_WORDS": "lab.py scenaro th", "COMP_CWORD": "2", COMPLETE_VARIABLE: "bash_complete"}
    program = [sys.executable, str(ROOT / "lab.py")]
    done = subprocess.run(program, env={**os.environ, **words}, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""


def in_bash(lines: str) -> str:
    done = subprocess.run(
        ["bash", "--norc", "-c", lines], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_bash_completes_a_line() -> None:
    asks = "COMP_WORDS=(lab.py scenario thunder) COMP_CWORD=2; _stormlab_complete; echo ${COMPREPLY[@]}"
    assert in_bash(f"{script('bash', ROOT / 'lab.py')}\n{asks}") == "thundering_herd"


@pytest.mark.parametrize("shell", list(SCRIPTS))
def test_every_shell_s_lines_are_lines_of_that_shell(shell: str, tmp_path: Path) -> None:
    lines = script(shell, ROOT / "lab.py")
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in lines
    if (found := shutil.which(shell)) is not None:
        (tmp_path / "lines").write_text(lines)
        subprocess.run([found, "-n", str(tmp_path / "lines")], check=True, timeout=60)
