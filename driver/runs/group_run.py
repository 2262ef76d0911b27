"""Runs a scenario's matrix and repeats: a group of runs in a folder of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from driver.engines.engine import Engine
from driver.errors import EngineGoneError, InterruptedCommandError, LabError
from driver.histories.run_timeline import run_timeline
from driver.judging.verdict import RunOutcome
from driver.labs.bring_up import take_down
from driver.results.group_file import GroupFile, GroupRun, label, save_group, summed_up
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import new_folder, point_latest
from driver.runs.run import Request, run
from driver.scenarios.plan import Plan
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import (
    Overrides,
    ScenarioFile,
    check_runs,
    combinations,
    load_scenario,
    resolved_yaml,
)
from driver.terminal import Terminal


@dataclass(frozen=True)
class Turn:
    """One run of a group: the cell's label and variables, its round from 1, and its seed."""

    label: str
    variables: Mapping[str, Any]
    round: int
    seed: int


@dataclass(frozen=True)
class Planned:
    """One run of a group; all that could be wrong with its scenario is found out."""

    turn: Turn
    plan: Plan
    scenario_yaml: str


@dataclass(frozen=True)
class Place:
    """Where runs are kept, and what their labs are published on."""

    results: Path
    host: str
    port: int | None


def plan_all(
    path: Path, loaded: ScenarioFile, overrides: Overrides, repeat: int | None, seed: int
) -> list[Planned]:
    """Every run that a scenario asks for, planned before the first is started. Raises UsageError."""
    times = loaded.scenario.repeat if repeat is None else repeat
    cells = combinations(path, overrides)
    check_runs(loaded, len(cells), times)
    planned = []
    for turn in in_turn(cells, times, seed, loaded.name):
        mine = replace(overrides, variables={**overrides.variables, **turn.variables})
        one = load_scenario(path, mine)
        planned.append(Planned(turn, resolve(one, turn.seed), resolved_yaml(one)))
    return planned


def in_turn(cells: Sequence[Mapping[str, Any]], repeat: int, seed: int, scenario: str) -> list[Turn]:
    """Every run of a group, in order."""
    return [
        Turn(label(cell) or scenario, cell, number + 1, (seed + number) % 2**32)
        for number in range(repeat)
        for cell in cells
    ]


def run_group(
    planned: Sequence[Planned], place: Place, engine: Engine, terminal: Terminal
) -> tuple[Path, GroupFile]:
    """Run them one after the other. A stop ends the group; what ran is kept, and group.json says the rest."""
    scenario = planned[0].plan.scenario
    folder = new_folder(scenario, place.results)
    point_latest(folder)

    def perform(this: Planned) -> tuple[GroupRun, bool]:
        try:
            request = Request(this.plan, this.scenario_yaml, folder, sys.argv, place.host, place.port)
            judged = asyncio.run(run(request, engine, terminal))
        except (InterruptedCommandError, EngineGoneError):
            raise
        except LabError as error:
            asyncio.run(take_down(engine, terminal))
            return _broken(this.turn, error), False
        return _ended(this.turn, judged), was_stopped(judged)

    def save(runs: list[GroupRun]) -> None:
        save_group(folder, summed_up(folder, scenario, runs, len(planned)))

    runs = perform_all(planned, perform, save, terminal.info)
    return folder, summed_up(folder, scenario, runs, len(planned))


def perform_all(
    planned: Sequence[Planned],
    perform: Callable[[Planned], tuple[GroupRun, bool]],
    save: Callable[[list[GroupRun]], None],
    say: Callable[[str], None],
) -> list[GroupRun]:
    """What became of each run, in turn, until one was stopped; saved after each."""
    runs: list[GroupRun] = []
    save(runs)
    for number, this in enumerate(planned, 1):
        turn = this.turn
        say(f"[{number} of {len(planned)}] {turn.label}, round {turn.round}, seed {turn.seed}")
        try:
            ended, stopped = perform(this)
        except InterruptedCommandError:
            break
        runs.append(ended)
        save(runs)
        say(f"  {ended.verdict.value.replace('_', ' ').upper()}: {ended.because}")
        if stopped:
            break
    return runs


def was_stopped(judged: JudgedRun) -> bool:
    """Whether somebody ended the run before its time."""
    return any(phase.outcome == "stopped" for phase in judged.history.view(run_timeline).phases.values())


def _ended(turn: Turn, judged: JudgedRun) -> GroupRun:
    return GroupRun(
        label=turn.label,
        round=turn.round,
        seed=turn.seed,
        variables=dict(turn.variables),
        folder=judged.folder.name,
        verdict=judged.verdict.verdict,
        because=judged.verdict.because,
        took_s=(judged.history.end_ns - judged.history.begin_ns) / 1e9,
    )


def _broken(turn: Turn, error: LabError) -> GroupRun:
    return GroupRun(
        label=turn.label,
        round=turn.round,
        seed=turn.seed,
        variables=dict(turn.variables),
        folder="",
        verdict=RunOutcome.inconclusive,
        because=f"the lab broke: {' '.join(error.sentence.split())}",
    )
