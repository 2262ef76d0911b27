"""`lab.py scenario`: runs a scenario, from the first container to the verdict."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click

from chaos.actuator import name_list
from chaos.units import format_seconds
from driver.answer import Answer, answer_of, write_answer
from driver.cli import completers, options, options_run, options_system
from driver.cli.reference.options_fleet import clients as clients_option
from driver.cli.reference.run_lab import lab_for_run, subject_on_lab
from driver.dashboard.sidecar import dashboard_sidecar
from driver.errors import LabError, UsageError
from driver.exit_codes import ExitCode
from driver.labs.needed_abilities import refuse_lacking
from driver.nouns import counted
from driver.results.judged_run import JudgedRun
from driver.runs.fault_free import run_with_controls
from driver.runs.group_run import PlannedRun, plan_all, run_group
from driver.runs.run_request import RunRequest
from driver.runs.run_subject import RunSubject
from driver.scenarios.flag_values import MAX_SEED
from driver.scenarios.plan import Plan
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, load_scenario
from driver.scenarios.yaml_file import flow_yaml
from driver.terminal import Terminal, print_json, print_lines, print_table

SubjectOf = Callable[[Plan], RunSubject]
Show = Callable[[], Answer]
"""Prints what is to be printed once the lab is free again; returns the result for the parent process."""


@click.command("scenario")
@click.argument("name", shell_complete=completers.scenarios)
@clients_option
@options_system.system
@options_run.duration
@options_run.seed
@options_run.quick
@options_run.variables
@options_run.controls
@click.option("--dry-run", is_flag=True, help="Only show the plan: every fault with its targets and times.")
@options_run.repeat
@options_run.results
@options_run.keep
@options_run.replace
@options_run.held_lock
@options_run.dashboard
@options.project
@options.engine
@options.host
@options.port
@options.as_json
@click.option("--answer", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
@options.log_level
def command(
    name: str, clients: int | None, system: Path | None, duration: float | None, seed: int | None,
    quick: bool, variables: dict[str, Any], controls: bool | None, dry_run: bool, repeat: int | None,
    results: Path, keep: bool, replace: bool, held_lock: int | None, watched: bool, project: str, host: str,
    port: int | None, as_json: bool, answer: Path | None,
) -> int:  # fmt: skip
    """Run the scenario NAME (or a YAML file) on real containers, judge it, and write a report to results/.

    One with a matrix or repeats becomes a folder of runs, and a comparison of them. One with `system:`, or
    with --system FILE, runs on the system of that Compose file.
    """
    try:
        path = options_run.scenario_path(name)
        own = None if system is None else _system_override(system)
        overrides = Overrides(clients, duration, variables, quick, controls, own)
        drawn = secrets.randbelow(MAX_SEED) if seed is None else seed
        loaded = load_scenario(path, overrides)
        is_foreign = isinstance(loaded.scenario, SystemScenario)
        plan = partial(plan_all, path, loaded, overrides, repeat, drawn)
        if is_foreign:
            # Imported here: what a system of one's own needs takes longer to load than all else.
            from driver.cli import scenario_system

            if held_lock is None:
                scenario_system.refuse_reference_options(loaded.name)
            planned = plan(partial(scenario_system.described, note=Terminal().info if dry_run else None))
            scenario_system.refuse_several_systems(loaded, [one.plan for one in planned])
        else:
            planned = plan()
        if dry_run:
            return _show_planned(planned, as_json)
        if len(planned) > 1 and keep:
            raise UsageError(
                f"--keep leaves one lab up, and {name} asks for {len(planned)} runs of a lab each.",
                "Leave --keep out, or narrow the runs with --var and --repeat 1.",
            )
        with ExitStack() as stack:
            terminal = stack.enter_context(Terminal())
            if is_foreign:
                file = scenario_system.request_of_scenario(loaded).files[0]
                in_run = scenario_system.system_in_run(file, "scenario", loaded.name, terminal)
                subject_of: SubjectOf = stack.enter_context(in_run)
                planned = plan(partial(scenario_system.built, terminal=terminal))
            else:
                engine = options.engine_to_fill(project, terminal.info)
                for one in planned:
                    refuse_lacking(one.plan.faults, engine.abilities)
                stack.enter_context(lab_for_run(engine, ["scenario", name], replace, held_lock, terminal))
                stack.enter_context(dashboard_sidecar(watched, project, results, terminal.info))
                subject_of = partial(subject_on_lab, engine, terminal, host, port)
            if len(planned) > 1:
                show = _run_all(planned, results, subject_of, terminal, as_json)
            else:
                show = _run_one(planned[0], results, subject_of, terminal, keep, as_json)
        result = show()
        write_answer(answer, result)
        return result.exit_code
    except LabError as error:
        write_answer(answer, answer_of(error))
        raise


def _system_override(system: Path) -> Mapping[str, Any] | None:
    # Imported here: what a system of one's own needs takes longer to load than all else.
    from driver.cli.scenario_system import system_override

    return system_override(system)


def _show_verdict(as_json: bool, judged: JudgedRun) -> None:
    # Imported here: what shows a verdict is loaded while the run waits, not before it starts.
    from driver.cli.verdicts import show_verdict

    show_verdict(judged, as_json)


def _run_one(
    planned: PlannedRun, results: Path, subject_of: SubjectOf, terminal: Terminal, keep: bool, as_json: bool
) -> Show:
    plan = planned.plan
    terminal.info(f"{plan.scenario}: {_in_short(plan)}, seed {plan.seed}")
    show_now = partial(_show_verdict, as_json)
    request = RunRequest(plan, planned.scenario_yaml, results, sys.argv, keep=keep, show=show_now)
    judged = run_with_controls(request, subject_of, terminal)

    def show() -> Answer:
        from driver.cli.verdicts import busy_of, show_summary

        show_summary(judged, as_json)
        ended = judged.verdict
        return Answer(
            exit_code=int(ended.exit_code), verdict=ended.verdict.value, because=ended.because,
            run=judged.record.run, busy=bool(busy_of(judged)),
        )  # fmt: skip

    return show


def _run_all(
    planned: Sequence[PlannedRun], results: Path, subject_of: SubjectOf, terminal: Terminal, as_json: bool
) -> Show:
    folder, group = run_group(planned, results, subject_of, terminal)

    def show() -> Answer:
        # Imported here: the comparison takes a second to load.
        from driver.cli.groups import show_group

        show_group(folder, group, as_json)
        return Answer(
            exit_code=group.exit_code, verdict=group.verdict.value, because=group.because, run=group.run
        )

    return show


def _show_planned(planned: Sequence[PlannedRun], as_json: bool) -> int:
    _show_plan(planned[0].plan, as_json)
    if len(planned) > 1 and not as_json:
        turns = (f"  {one.repetition.label}, seed {one.repetition.seed}" for one in planned)
        print_lines(["", f"the first of {len(planned)} runs", *turns])
    return ExitCode.PASSED


def _in_short(plan: Plan) -> str:
    faults = f"{len(plan.faults)} fault{'s' if len(plan.faults) != 1 else ''}"
    what = counted(plan.clients, "worker")
    if plan.system is not None:
        what = f"{counted(len(plan.system.services), 'service')} of {plan.system.name}"
    return f"{what}, {format_seconds(plan.duration_s)}, {faults}"


def _show_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        print_json(plan.to_json())
        return
    print_lines([f"{plan.scenario}: {plan.claim}", f"{_in_short(plan)}, seed {plan.seed}", ""])
    rows = [
        [
            format_seconds(fault.at_s),
            "" if fault.for_s is None else format_seconds(fault.for_s),
            fault.id,
            fault.words,
            name_list(fault.targets),
            "" if fault.when is None else fault.when.words,
        ]
        for fault in plan.faults
    ]
    print_table(["at", "for", "id", "fault", "targets", "when"], rows)
    if plan.expect:
        print_lines(["", "expects", *(f"  {_expected(one)}" for one in plan.expect)])


def _expected(entry: str | dict[str, Any]) -> str:
    """Return an expectation as its file has it."""
    return entry if isinstance(entry, str) else flow_yaml(entry)
