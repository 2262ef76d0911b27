"""`lab.py scenarios`: every scenario with its claim, its defaults and its last verdict."""

from __future__ import annotations

import json
from pathlib import Path

import click

from chaos.units import format_seconds
from driver.cli import options
from driver.errors import UsageError
from driver.results.group_file import GroupFile, read_group
from driver.results.run_folder import VerdictFile, read_verdict, results_root
from driver.scenarios.scenario_file import ScenarioFile, load_scenario, scenario_paths
from driver.terminal import Terminal, print_json, print_lines, print_table

Ended = VerdictFile | GroupFile


@click.command("scenarios")
@options.as_json
@options.log_level
def command(as_json: bool) -> None:
    """List the scenarios that come with the lab: what each claims, its size, and how its last run ended."""
    loaded = [found for path in scenario_paths().values() if (found := _load(path)) is not None]
    last = _last_verdicts()
    if as_json:
        print_json(json.dumps([_as_dict(one, last.get(one.name)) for one in loaded]))
        return
    rows = [[one.name, *_size(one), _verdict(last.get(one.name)), one.claim] for one in loaded]
    print_table(["name", "workers", "lasts", "last verdict", "claim"], rows)
    print_lines(
        [
            "",
            "Run one: python lab.py scenario NAME (its plan alone: --dry-run)",
        ]
    )


def _load(path: Path) -> ScenarioFile | None:
    try:
        return load_scenario(path)
    except UsageError as error:
        Terminal().warn(error.sentence)
        return None


def _size(one: ScenarioFile) -> list[str]:
    return [str(one.scenario.workers), format_seconds(one.scenario.duration_s)]


def _verdict(verdict: Ended | None) -> str:
    return "" if verdict is None else verdict.verdict.replace("_", " ")


def _last_verdicts() -> dict[str, Ended]:
    """The newest stored verdict of each scenario; the folders of runs and groups sort by time."""
    found: dict[str, Ended] = {}
    for folder in sorted(results_root().glob("*Z-*"), reverse=True):
        name = folder.name.partition("Z-")[2]
        if name not in found and (verdict := read_verdict(folder) or read_group(folder)) is not None:
            found[verdict.scenario] = verdict
    return found


def _as_dict(one: ScenarioFile, verdict: Ended | None) -> dict[str, object]:
    return {
        "name": one.name,
        "claim": one.claim,
        "workers": one.scenario.workers,
        "duration_s": one.scenario.duration_s,
        "last_verdict": verdict.verdict if verdict else None,
        "last_run": verdict.run if verdict else None,
    }
