"""Claims about `lab.py system` that need no engine: wrong use is one sentence and exit code 64."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli.main import run
from driver.exit_codes import ExitCode
from driver.systems.lab_of_system import project_of


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("system", "system takes up, down or links."),
        ("system start x", "No such command 'start'"),
        ("system up compose.yaml --listens db", "--listens takes a service and a port; found 'db'."),
        ("system up compose.yaml --listens db:70000", "found 'db:70000'."),
        ("system up compose.yaml --listens :80", "found ':80'."),
    ],
)
def test_wrong_use_is_explained_in_a_sentence(
    argv: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv.split()) == ExitCode.WRONG_USE
    assert says in capsys.readouterr().err


def test_a_labs_project_is_of_the_files_path(tmp_path: Path) -> None:
    one, other = tmp_path / "My Shop" / "compose.yaml", tmp_path / "My Shop" / "other.yaml"
    assert project_of(one).startswith("doors-my-shop-")
    assert project_of(one) != project_of(other)
    assert project_of(one) == project_of(tmp_path / "x" / ".." / "My Shop" / "compose.yaml")
