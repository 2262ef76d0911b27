"""Options of the commands that run scenarios: what they override, and where runs are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from driver.errors import UsageError
from driver.results.run_folder import results_root
from driver.scenarios.flag_values import parse_duration, parse_seed
from driver.scenarios.scenario_file import find_scenario
from driver.scenarios.yaml_file import FileError, scalar


def scenario_path(name: str) -> Path:
    """Return the file of a scenario by its name or path, relative where it is below the current folder.

    Raises UsageError with the nearest names.
    """
    path = find_scenario(name).resolve()
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def seed_value(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Return the seed of a --seed option; None without one. Raises UsageError."""
    return None if text is None else parse_seed(text)


def _duration(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    seconds = parse_duration("--duration", text)
    if seconds is not None and seconds < 1:
        raise UsageError(f"--duration takes at least 1 s; found {text}.", "Example: --duration 60")
    return seconds


def _variables(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, Any]:
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var takes NAME=VALUE; found {pair!r}.", "Example: --var outage=5s")
        try:
            values[name] = scalar(text)
        except FileError as error:
            raise UsageError(f"--var {name}: {error.problem}.", "Example: --var outage=5s") from None
    return values


duration = click.option(
    "--duration", default=None, callback=_duration, metavar="TIME",
    help="How long the load lasts: 60, 90s or 5m.",
)  # fmt: skip
seed = click.option(
    "--seed", default=None, callback=seed_value, metavar="N",
    help="Fixes every draw: targets, times, tasks. Without it one is drawn and printed.",
)  # fmt: skip
variables = click.option(
    "--var", "variables", multiple=True, callback=_variables, metavar="NAME=VALUE",
    help="Set a variable of the scenario.",
)  # fmt: skip
quick = click.option(
    "--quick", is_flag=True, help="The scenario's short form (its `quick:`): a minute of load at most."
)
controls = click.option(
    "--controls/--no-controls", default=None,
    help="Show that each finding that passes fails on a changed history; one that never does is unknown.",
)  # fmt: skip
repeat = click.option(
    "--repeat", default=None, type=click.IntRange(1, 1000), metavar="N",
    help="Number of runs, each with the next seed; a matrix is compared as well.",
)  # fmt: skip
results = click.option(
    "--results", default=None, type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    callback=lambda _, __, folder: folder or results_root(), help="Where runs are kept.  [default: results]",
)  # fmt: skip
replace = click.option(
    "--replace", is_flag=True,
    help="Replace a lab that is up without asking; one like it is up afterwards.",
)  # fmt: skip
held_lock = click.option("--held-lock", type=int, default=None, hidden=True)
"""The descriptor of the lab's lock, which a process that starts this one holds and passes on."""
keep = click.option("--keep", is_flag=True, help="Leave a lab up afterwards.")

dashboard = click.option(
    "--dashboard", "watched", is_flag=True, help="Serve the dashboard meanwhile, and print its address."
)
