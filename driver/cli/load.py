"""`lab.py load`: tasks for a lab that is up."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict

import click
from pydantic import ValidationError

from chaos.explain import problem, shortened
from driver.cli import options, options_run
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.reference.labs.lab import existing_lab
from driver.reference.manual_load import LoadCounts, ManualLoad, default_workload
from driver.reference.workload import Workload
from driver.scenarios.flag_values import MAX_SEED, parse_duration
from driver.scenarios.scenario import MAX_DURATION_S
from driver.terminal import Terminal, print_json, print_lines


@click.command("load")
@click.option("--rate", default="20/s", show_default=True, metavar="RATE", help="How many tasks, like 20/s.")
@click.option("--for", "for_text", metavar="TIME", help="How long, like 60s; else until Ctrl-C.")
@options_run.seed
@options.project
@options.engine
@options.as_json
@options.log_level
def command(rate: str, for_text: str | None, seed: int | None, project: str, as_json: bool) -> int:
    """Submit short tasks to a lab at a steady rate, as a scenario's load does.

    A line shows how many are done. After --for the command waits until all are done; Ctrl-C ends it at once,
    and the lab stays up. Other commands may use the lab meanwhile; the load ends with the lab. Exits with 2
    when the coordinator accepted no task.
    """
    workload = _workload(rate)
    for_s = parse_duration("--for", for_text)
    lab = existing_lab(options.engine_of(project))
    drawn = secrets.randbelow(MAX_SEED) if seed is None else seed
    with Terminal() as terminal:
        load = ManualLoad(lab, workload, for_s or MAX_DURATION_S, for_s is not None, terminal)
        handed = asyncio.run(load.run(drawn))
    if as_json:
        print_json(json.dumps(asdict(handed)))
    else:
        print_lines([_report(handed)])
    return ExitCode.PASSED if handed.accepted else ExitCode.INCONCLUSIVE


def _workload(rate: str) -> Workload:
    try:
        return default_workload(rate)
    except ValidationError as error:
        found = problem(dict(error.errors()[0]), "/s")
        raise UsageError(f"--rate {shortened(rate, 60)}: {found}.", "Example: --rate 20/s") from None


def _report(handed: LoadCounts) -> str:
    refused = f", {handed.refused:,} refused" if handed.refused else ""
    return (
        f"{handed.accepted:,} tasks in {write(handed.lasted_s, Unit.seconds)}: {handed.done:,} done, "
        f"{handed.failed:,} failed{refused}, {handed.left:,} not done yet."
    )
