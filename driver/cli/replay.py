"""`lab.py replay`: runs the stored plan of a run again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
from pydantic import ValidationError

from driver.cli import completers, options, options_run
from driver.cli.judge import find_run
from driver.cli.reference.run_lab import lab_for_run, subject_on_lab
from driver.cli.scenario_system import refuse_reference_options, system_in_run
from driver.cli.verdicts import show_summary, show_verdict
from driver.errors import UsageError
from driver.labs.needed_abilities import refuse_lacking
from driver.results.run_folder import LATEST, PLAN, SCENARIO
from driver.runs.fault_free import run_with_controls
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
from driver.runs.system_subject import request_of
from driver.scenarios.plan import Plan
from driver.terminal import Terminal


@click.command("replay")
@click.argument("name", metavar="RUN", default=LATEST, shell_complete=completers.runs)
@options_run.results
@options_run.keep
@options_run.replace
@options.project
@options.engine
@options.host
@options.port
@options.as_json
@options.log_level
def command(
    name: str, results: Path, keep: bool, replace: bool, project: str, host: str, port: int | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Run the stored plan of RUN again: the same targets, times, load and draws, on a new lab."""
    folder = find_run(name)
    try:
        plan = Plan.model_validate_json((folder / PLAN).read_bytes())
        scenario_yaml = (folder / SCENARIO).read_text()
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"The plan of {folder.name} cannot be read: {str(error).splitlines()[0]}.",
            "Run the scenario again instead.",
        ) from None
    with ExitStack() as stack:
        terminal = stack.enter_context(Terminal())
        subject_of: Callable[[Plan], RunSubject]
        if plan.system is None:
            engine = options.engine_to_fill(project, terminal.info)
            refuse_lacking(plan.faults, engine.abilities)
            stack.enter_context(lab_for_run(engine, ["replay", folder.name], replace, None, terminal))
            subject_of = partial(subject_on_lab, engine, terminal, host, port)
        else:
            refuse_reference_options(folder.name)
            file = request_of(plan.system).files[0]
            subject_of = stack.enter_context(system_in_run(file, "replay", folder.name, terminal))
        terminal.info(f"{plan.scenario}: the plan of {folder.name}, seed {plan.seed}")
        show = partial(show_verdict, as_json=as_json)
        request = RunRequest(plan, scenario_yaml, results, sys.argv, keep=keep, show=show)
        judged = run_with_controls(request, subject_of, terminal)
    show_summary(judged, as_json)
    return judged.verdict.exit_code
