"""`lab.py scenarios`: the lab's scenarios, one line each, or in detail."""

from __future__ import annotations

import json
from pathlib import Path

import click

from chaos.units import format_seconds
from driver.cli import completers, options, options_run
from driver.errors import UsageError
from driver.results.group_file import StoredVerdict, last_verdicts
from driver.results.run_folder import results_root
from driver.scenarios.scenario_file import ScenarioFile, load_scenario, scenario_paths
from driver.terminal import Terminal, print_json, print_lines, print_table

COLUMNS = ("name", "workers", "lasts", "last verdict", "claim")


@click.command("scenarios")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=completers.scenarios)
@click.option("--long", "whole", is_flag=True, help="Show each claim as a whole.")
@options.as_json
@options.log_level
def command(names: tuple[str, ...], whole: bool, as_json: bool) -> None:
    """List the lab's scenarios, a line each: its size, its last verdict, and its claim.

    With NAME: the whole description of that scenario, and its last run.
    """
    loaded = [load_scenario(options_run.scenario_path(name)) for name in names] or _all_valid()
    last = last_verdicts(results_root())
    if as_json:
        print_json(json.dumps([_as_dict(one, last.get(one.name)) for one in loaded]))
    elif names:
        for one in loaded:
            print_lines(_details(one, last.get(one.name)))
    else:
        rows = [[one.name, *_size(one), _verdict(last.get(one.name)), one.claim] for one in loaded]
        print_table(COLUMNS, rows, cut_last=not whole)
        more = "Read one: python lab.py scenarios NAME (all claims: --long)"
        print_lines(["", more, "Run one: python lab.py scenario NAME (its plan alone: --dry-run)"])


def _all_valid() -> list[ScenarioFile]:
    """Return the lab's scenarios; an invalid one is only warned about."""
    return [found for path in scenario_paths().values() if (found := _load(path)) is not None]


def _load(path: Path) -> ScenarioFile | None:
    try:
        return load_scenario(path)
    except UsageError as error:
        Terminal().warn(error.sentence)
        return None


def _size(one: ScenarioFile) -> list[str]:
    size = str(one.scenario.clients) if one.scenario.clients else "system"
    return [size, format_seconds(one.scenario.duration_s)]


def _details(one: ScenarioFile, last: StoredVerdict | None) -> list[str]:
    size, lasts = _size(one)
    what = f"{size} workers" if one.scenario.clients else "a system of your own"
    run = f"{_verdict(last)} ({last.run})" if last else "none"
    return [f"{one.name}: {what}, {lasts}; last run: {run}", "", *one.teaches.splitlines(), ""]


def _verdict(verdict: StoredVerdict | None) -> str:
    return "" if verdict is None else verdict.verdict.replace("_", " ")


def _as_dict(one: ScenarioFile, verdict: StoredVerdict | None) -> dict[str, object]:
    return {
        "name": one.name,
        "claim": one.claim,
        "workers": one.scenario.clients,
        "duration_s": one.scenario.duration_s,
        "last_verdict": verdict.verdict if verdict else None,
        "last_run": verdict.run if verdict else None,
    }
