"""Options that change what a scenario says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chaos.explain import shortened
from chaos.units import parse_seconds
from driver.errors import UsageError
from driver.runs.run_folder import results_root
from driver.scenarios.scenario import MAX_DURATION_S
from driver.scenarios.yaml_file import FileError, scalar

MAX_SEED = 2**32 - 1


def check_duration(flag: str, text: str | None) -> float | None:
    """Seconds in `60`, `90s` or `5m`. Raises UsageError, naming the flag."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _with_unit(flag, text)
    if not 0 < seconds <= MAX_DURATION_S:
        raise UsageError(
            f"{flag} takes more than 0 s and at most {MAX_DURATION_S:.0f} s; found {text}.",
            f"Examples: {flag} 60, {flag} 5m",
        )
    return seconds


def _duration(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    seconds = check_duration("--duration", text)
    if seconds is not None and seconds < 1:
        raise UsageError(f"--duration takes at least 1 s; found {text}.", "Example: --duration 60")
    return seconds


def _with_unit(flag: str, text: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError:
        raise UsageError(
            f"{flag} takes seconds, or a duration with its unit; found {text!r}.",
            f"Examples: {flag} 60, {flag} 5m",
        ) from None


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


def check_seed(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """A seed from its text. Raises UsageError."""
    if text is None:
        return None
    # The length first: Python refuses to read a number of thousands of digits.
    if not text.isdecimal() or len(text) > len(str(MAX_SEED)) or int(text) > MAX_SEED:
        found = shortened(repr(text), 60)
        raise UsageError(
            f"--seed takes a whole number from 0 to {MAX_SEED}; found {found}.", "Example: --seed 7"
        )
    return int(text)


duration = click.option(
    "--duration",
    default=None,
    callback=_duration,
    metavar="TIME",
    help="How long the load lasts: 60, 90s or 5m.",
)
seed = click.option(
    "--seed", default=None, callback=check_seed, metavar="N",
    help="Fixes every draw: targets, times, tasks. Without it one is drawn and printed.",
)  # fmt: skip
variables = click.option(
    "--var",
    "variables",
    multiple=True,
    callback=_variables,
    metavar="NAME=VALUE",
    help="Set a variable of the scenario.",
)
quick = click.option(
    "--quick", is_flag=True, help="The scenario's short form (its `quick:`): a minute of load at most."
)
repeat = click.option(
    "--repeat", default=None, type=click.IntRange(1, 1000), metavar="N",
    help="Number of runs, each with the next seed; a matrix is compared as well.",
)  # fmt: skip
results = click.option(
    "--results", default=None, type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    callback=lambda _, __, folder: folder or results_root(), help="Where runs are kept.  [default: results]",
)  # fmt: skip
replace = click.option(
    "--replace",
    is_flag=True,
    help="Replace a lab that is up without asking; one like it is up afterwards.",
)
held_lock = click.option("--held-lock", type=int, default=None, hidden=True)
"""The descriptor of the lab's lock, which a process that starts this one holds and passed on."""
keep = click.option("--keep", is_flag=True, help="Leave a lab up afterwards.")

dashboard = click.option(
    "--dashboard", "watched", is_flag=True, help="Serve the dashboard meanwhile, and print its address."
)
