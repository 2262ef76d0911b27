"""`lab.py validate`: checks scenario files, without starting anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from driver.cli import completers, options, options_run
from driver.engines.engine import Say
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.labs.needed_abilities import refuse_lacking
from driver.scenarios.plan import Plan, PlannedSystem
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, ScenarioFile, combinations, load_scenario
from driver.scenarios.yaml_file import FileError
from driver.terminal import Terminal, print_lines

NEXT = "Targets and times are not checked yet: they are once the above is right."


@click.command("validate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completers.scenarios)
@options_run.quick
@options_run.variables
@options.engine
@options.log_level
def command(files: tuple[str, ...], quick: bool, variables: dict[str, Any]) -> int:
    """Check scenario files (or names): each problem with its file, line, key, what was expected and found.

    A fault is refused that needs what the engine of a lab lacks on this machine.
    """
    wrong = 0
    for name in files:
        try:
            notes: list[str] = []
            overrides = Overrides(variables=variables, quick=quick)
            plan = check(options_run.scenario_path(name), overrides, notes.append)
        except UsageError as error:
            wrong += 1
            Terminal().fail(error.sentence, error.hint)
            print_lines(list(dict.fromkeys(notes)))
        else:
            faults = len(plan.faults)
            idle = ""
            if plan.workload is None and plan.system is None:
                idle = "; without `workload:` a run of it can only be inconclusive"
            print_lines([f"{name}: good, {faults} fault{'' if faults == 1 else 's'} on the timeline{idle}"])
            print_lines([f"  {note}" for note in dict.fromkeys(notes)])
    return ExitCode.WRONG_USE if wrong else ExitCode.PASSED


def check(path: Path, overrides: Overrides, note: Say = lambda _: None) -> Plan:
    """Resolve one scenario in each combination of its matrix; returns the plan of the first.

    `note` takes each sentence on what cannot be judged yet. Raises UsageError.
    """
    plans = []
    try:
        files = [
            load_scenario(path, replace(overrides, variables={**overrides.variables, **cell}))
            for cell in combinations(path, overrides)
        ]
    except FileError:
        note(NEXT)
        raise
    for loaded in files:
        plan = resolve(loaded, seed=1, system=_system_of(loaded, note))
        _refuse_lacking(plan)
        plans.append(plan)
    return plans[0]


def _refuse_lacking(plan: Plan) -> None:
    """Raise UsageError for a fault that needs what the engine of a new lab lacks."""
    needing = [one for one in plan.faults if one.build().needs]
    if needing:
        refuse_lacking(
            needing, options.abilities_of(None if plan.system is None else Path(plan.system.files[0]))
        )


def _system_of(loaded: ScenarioFile, note: Say) -> PlannedSystem | None:
    if not isinstance(loaded.scenario, SystemScenario):
        return None
    # Imported here: scenarios of the reference system need no client of an engine.
    from driver.cli.scenario_system import described

    return described(loaded, note)
