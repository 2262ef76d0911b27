"""The runs of one scenario are on one system, whose lab is held: others are refused before the first run."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.cli import scenario_system
from driver.cli.main import run as lab
from driver.engines.engine import Say
from driver.exit_codes import ExitCode
from driver.scenarios.plan import PlannedSystem
from driver.scenarios.scenario_file import ScenarioFile

SCENARIO = """# All is well.
vars: {where: a}
matrix: {where: [WHERE]}
system: ${where}/compose.yaml
duration: 60s
"""


def described(loaded: ScenarioFile, note: Say | None = None) -> PlannedSystem:
    file = scenario_system.request_of_scenario(loaded).files[0]
    return PlannedSystem(name="shop", files=(str(file),), services={"db": 1}, links=("outside->db:80",))


@pytest.mark.parametrize(("where", "refused"), [("a, b", True), ("b", False), ("a", False)])
def test_a_matrix_that_names_several_systems_is_refused_before_the_first_run(
    where: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(scenario_system, "described", described)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.yaml").write_text("services: {}\n")
    file = tmp_path / "s.yaml"
    file.write_text(SCENARIO.replace("WHERE", where))
    code = lab(["scenario", str(file), "--dry-run"])
    shown = capsys.readouterr()
    assert code == (ExitCode.WRONG_USE if refused else ExitCode.PASSED), shown.err
    assert ("its matrix names several" in shown.err) is refused
