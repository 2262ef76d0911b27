"""Commands load only the libraries that they need: an import costs more than most of their work."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from driver.paths import project_root

CLIENTS = ("docker", "aiohttp", "toxiproxy", "requests")
LOADED = (
    "import json, sys; import driver.cli.main, driver.cli.{command}; print(json.dumps(sorted(sys.modules)))"
)


def loaded_by(command: str) -> set[str]:
    """The modules of a new process that imported the command line and one command."""
    code = LOADED.format(command=command)
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project_root(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(shown.stdout))


@pytest.mark.parametrize("command", ["validate", "scenarios", "compare", "report", "judge", "completion"])
def test_a_command_that_reads_files_loads_no_client(command: str) -> None:
    assert loaded_by(command).isdisjoint(CLIENTS)


def test_a_command_that_uses_every_client_loads_them() -> None:
    assert loaded_by("replay").issuperset(CLIENTS)


def test_a_scenario_starts_before_what_only_its_report_or_another_system_needs_is_loaded() -> None:
    assert loaded_by("scenario").isdisjoint(("scipy", "aiohttp", "redis", "psycopg", "driver.report.write"))


def test_a_command_about_a_system_of_ones_own_loads_no_client_of_the_reference_lab_alone() -> None:
    assert "toxiproxy" not in loaded_by("try_")


@pytest.mark.parametrize("command", ["up", "reference.lab_up", "down"])
def test_a_command_that_starts_or_removes_a_lab_loads_no_validator_of_scenarios(command: str) -> None:
    assert "pydantic" not in loaded_by(command)
