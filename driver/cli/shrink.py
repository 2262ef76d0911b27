"""`lab.py shrink`: makes what failed in a stored run small."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
import msgspec
from pydantic import ValidationError

from driver.cli import completers, options, options_run
from driver.cli.judge import find_run
from driver.cli.search import duration_value, searched_system, settle
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.files import write_file
from driver.paths import as_called
from driver.results.run_folder import LATEST, PLAN, SCENARIO, new_folder, point_latest
from driver.scenarios.plan import Plan
from driver.scenarios.scenario_file import Overrides, ScenarioFile, from_yaml
from driver.scenarios.yaml_file import parse_yaml
from driver.search.schedule_plan import SETTLE_S, schedule_of
from driver.search.search_file import INTERRUPTED
from driver.search.search_run import Trialist
from driver.search.shrink_report import write_shrink_report
from driver.search.shrink_run import Shrink, finding_of, write_scenario
from driver.terminal import print_json, print_lines

BUDGET_S = 600.0


@click.command("shrink")
@click.argument("name", metavar="RUN", default=LATEST, shell_complete=completers.runs)
@click.option("--finding", metavar="CHECK", help="Which finding of the run.  [the first that failed]")
@click.option(
    "--repeat", default=1, show_default=True, type=click.IntRange(1, 100), metavar="N",
    help="How often each candidate is run at most, where outcomes are not certain.",
)  # fmt: skip
@click.option(
    "--budget", "budget_s", default="10m", show_default=True, metavar="TIME", help="How long to reduce.",
    callback=duration_value("--budget"),
)  # fmt: skip
@settle
@options_run.seed
@options_run.results
@options_run.replace
@options.project
@options.host
@options.port
@options.as_json
@options.log_level
def command(
    name: str, finding: str | None, repeat: int, budget_s: float, settle_s: float | None, seed: int | None,
    results: Path, replace: bool, project: str, host: str, port: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Make what failed in RUN small: the same finding with fewer faults, fewer targets, less time and load.

    The result is a scenario file, a report of what was left out, and the command that runs it.
    """
    run_folder = find_run(name)
    plan, loaded = stored(run_folder)
    with searched_system(loaded, "shrink", replace, project, host, port) as (system, target_of, terminal):
        folder = new_folder(f"shrink-{loaded.name}", results)
        runs = folder / "runs"
        runs.mkdir()
        trials = Trialist(loaded, system, target_of(folder), runs, sys.argv)
        shrink = Shrink(
            run_folder=run_folder, key=finding_of(run_folder, finding, trials.names),
            whole=schedule_of(plan), trials=trials, folder=folder, repeat=repeat, budget_s=budget_s,
            settle_s=min(plan.converge_s, SETTLE_S) if settle_s is None else settle_s,
            settle_full_s=plan.converge_s, seed=plan.seed if seed is None else seed,
            from_s=min([plan.warmup_s, *(one.at_s for one in plan.faults)]), say=terminal.info,
        )  # fmt: skip
        point_latest(folder)
        try:
            result = shrink.run()
        finally:
            trials.target.end("the reduction is over")
        path = folder / SCENARIO
        write_scenario(shrink, result, path)
        again = as_called(f"python lab.py scenario {shlex.quote(str(path))} --repeat 20")
        write_file(folder / "shrunk.json", msgspec.json.format(msgspec.json.encode(result), indent=1))
        write_shrink_report(shrink, result, again, folder)
    if as_json:
        print_json(msgspec.json.encode(result).decode())
    else:
        print_lines([*result.lines(), f"  {path}", f"  {again}"])
    return ExitCode.INCONCLUSIVE if result.ended == INTERRUPTED else ExitCode.PASSED


def stored(folder: Path) -> tuple[Plan, ScenarioFile]:
    """Return the plan and the scenario of a stored run. Raises UsageError."""
    try:
        plan = Plan.model_validate_json((folder / PLAN).read_bytes())
        text = (folder / SCENARIO).read_text()
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"The plan of {folder.name} cannot be read: {str(error).splitlines()[0]}.",
            "Run the scenario again instead.",
        ) from None
    if not plan.faults:
        raise UsageError(f"{folder.name} has no fault, so that there is nothing to leave out.")
    home = Path() if plan.system is None else Path(plan.system.home)
    return plan, from_yaml(parse_yaml(text, f"{plan.scenario}.yaml"), plan.scenario, Overrides(), home)
