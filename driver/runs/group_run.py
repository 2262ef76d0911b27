"""Runs a group: every cell of a scenario's matrix, each repeated, in a folder of their own.

The cells are interleaved (A B C A B C), so that a slow phase of the machine affects every cell. The runs of
one round have one seed: every cell gets the same targets, times and load, which ends early in none of them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from driver.errors import EngineGoneError, InterruptedCommandError, LabError
from driver.judging.verdict import RunOutcome
from driver.results.group_file import GroupFile, GroupRun, label, save_group, summed_up
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import new_folder, point_latest
from driver.runs.fault_free import run_with_controls
from driver.runs.interruption import was_interrupted
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
from driver.scenarios.plan import Plan, PlannedSystem
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
class Repetition:
    """One run of a group: the cell's label and variables, its round from 1, and its seed."""

    label: str
    variables: Mapping[str, Any]
    round: int
    seed: int


@dataclass(frozen=True)
class PlannedRun:
    """One run of a group, whose scenario is valid and resolved."""

    repetition: Repetition
    plan: Plan
    scenario_yaml: str


def plan_all(
    path: Path,
    loaded: ScenarioFile,
    overrides: Overrides,
    repeat: int | None,
    seed: int,
    system_of: Callable[[ScenarioFile], PlannedSystem] | None = None,
) -> list[PlannedRun]:
    """Return every run of a scenario, each resolved before the first starts. Raises UsageError.

    `system_of` returns the foreign system of a scenario; None for scenarios of the reference system.
    """
    times = loaded.scenario.repeat if repeat is None else repeat
    cells = combinations(path, overrides)
    check_runs(loaded, len(cells), times)
    planned = []
    for repetition in interleave(cells, times, seed, loaded.name):
        mine = replace(overrides, variables={**overrides.variables, **repetition.variables})
        one = load_scenario(path, mine)
        system = None if system_of is None else system_of(one)
        planned.append(PlannedRun(repetition, resolve(one, repetition.seed, system), resolved_yaml(one)))
    return planned


def interleave(cells: Sequence[Mapping[str, Any]], repeat: int, seed: int, scenario: str) -> list[Repetition]:
    """Return the runs of a group in their order."""
    return [
        Repetition(label(cell) or scenario, cell, number + 1, (seed + number) % 2**32)
        for number in range(repeat)
        for cell in cells
    ]


def run_group(
    planned: Sequence[PlannedRun], results: Path, subject_of: Callable[[Plan], RunSubject], terminal: Terminal
) -> tuple[Path, GroupFile]:
    """Run a group; return its folder and outcome. An interruption ends it; finished runs are kept.

    `results` is the folder of all runs; `subject_of` makes the system of each.
    """
    scenario = planned[0].plan.scenario
    folder = new_folder(scenario, results)
    point_latest(folder)

    def run_one(planned_run: PlannedRun) -> tuple[GroupRun, bool]:
        subject = subject_of(planned_run.plan)
        try:
            plan, scenario_yaml = planned_run.plan, planned_run.scenario_yaml
            request = RunRequest(plan, scenario_yaml, folder, sys.argv, whole_load=True)
            judged = run_with_controls(request, lambda _: subject, terminal)
        except (InterruptedCommandError, EngineGoneError):
            raise
        except LabError as error:
            asyncio.run(subject.take_down())
            return _lab_broke(planned_run.repetition, error), False
        return _ended(planned_run.repetition, judged), was_interrupted(judged)

    def save(runs: list[GroupRun]) -> None:
        save_group(folder, summed_up(folder, scenario, runs, len(planned)))

    runs = run_all(planned, run_one, save, terminal.info)
    return folder, summed_up(folder, scenario, runs, len(planned))


def run_all(
    planned: Sequence[PlannedRun],
    run_one: Callable[[PlannedRun], tuple[GroupRun, bool]],
    save: Callable[[list[GroupRun]], None],
    info: Callable[[str], None],
) -> list[GroupRun]:
    """Run each in order until one is interrupted; return the ended runs, which are saved after each."""
    runs: list[GroupRun] = []
    save(runs)
    for number, planned_run in enumerate(planned, 1):
        repetition = planned_run.repetition
        where = f"{repetition.label}, round {repetition.round}, seed {repetition.seed}"
        info(f"[{number} of {len(planned)}] {where}")
        try:
            ended, interrupted = run_one(planned_run)
        except InterruptedCommandError:
            break
        runs.append(ended)
        save(runs)
        info(f"  {ended.verdict.word}: {ended.because}")
        if interrupted:
            break
    return runs


def _ended(repetition: Repetition, judged: JudgedRun) -> GroupRun:
    return GroupRun(
        label=repetition.label,
        round=repetition.round,
        seed=repetition.seed,
        variables=dict(repetition.variables),
        folder=judged.folder.name,
        verdict=judged.verdict.verdict,
        because=judged.verdict.because,
        took_s=(judged.history.end_ns - judged.history.begin_ns) / 1e9,
    )


def _lab_broke(repetition: Repetition, error: LabError) -> GroupRun:
    return GroupRun(
        label=repetition.label,
        round=repetition.round,
        seed=repetition.seed,
        variables=dict(repetition.variables),
        folder="",
        verdict=RunOutcome.inconclusive,
        because=f"the lab broke: {' '.join(error.sentence.split())}",
    )
