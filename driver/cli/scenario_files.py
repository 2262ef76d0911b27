"""From a scenario's name on the command line to its file."""

from __future__ import annotations

from pathlib import Path

from driver.scenarios.scenario_file import find_scenario


def scenario_file(name: str) -> Path:
    """The file of a scenario, as short as errors should name it: relative where it stands below here."""
    path = find_scenario(name).resolve()
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
