"""`lab.py search`: draws timelines of faults for a scenario or a Compose file, and judges each."""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import click
from msgspec import structs

from chaos.catalogue import FAULTS
from chaos.explain import nearest
from chaos.units import format_seconds
from driver.cli import completers, options, options_run, scenario_system
from driver.cli.reference.run_lab import lab_for_run, subject_on_lab
from driver.errors import UsageError
from driver.paths import state_dir
from driver.results.run_folder import new_folder, point_latest
from driver.scenarios.flag_values import MAX_SEED, parse_duration
from driver.scenarios.plan import PlannedSystem
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, ScenarioFile, from_yaml, load_scenario, resolved_yaml
from driver.scenarios.yaml_file import dump_yaml, parse_yaml, read_yaml
from driver.search.fresh_system import FreshSystem
from driver.search.reused_system import ReusedSystem
from driver.search.schedule_plan import LENGTH_S, SETTLE_S, space_of
from driver.search.search_file import SearchFolder, SearchSettings
from driver.search.search_report import report_of, write_search_report
from driver.search.search_run import ScheduleSystem, Search, Trialist
from driver.terminal import Terminal, print_json, print_lines
from driver.version import own_version

TargetOf = Callable[[Path], ScheduleSystem]
"""Makes the system on which schedules run; its journals are in the folder."""
START_S = 30.0
"""What a start, a first schedule and its judging take at the least."""


def duration_value(option: str) -> object:
    """Return the callback of an option that takes a time."""
    return lambda _, __, text: parse_duration(option, text)


length = click.option(
    "--length", "length_s", default=None, callback=duration_value("--length"), metavar="TIME",
    help=f"How long the load of one schedule lasts.  [{LENGTH_S:g}s, or the scenario's where shorter]",
)  # fmt: skip
settle = click.option(
    "--settle", "settle_s", default=None, callback=duration_value("--settle"), metavar="TIME",
    help=f"How long the system may take to recover.  [{SETTLE_S:g}s, or the scenario's where shorter]",
)  # fmt: skip


@click.command("search")
@click.argument("name", required=False, metavar="SCENARIO|COMPOSE", shell_complete=completers.scenarios)
@click.option(
    "--budget", "budget_s", default=None, callback=duration_value("--budget"), metavar="TIME",
    help="How long to search.  [30m]",
)  # fmt: skip
@options_run.seed
@click.option(
    "--resume", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Go on with a search that was interrupted.",
)  # fmt: skip
@click.option(
    "--repeat", default=1, show_default=True, type=click.IntRange(1, 100), metavar="N",
    help="How often a schedule that shows a finding first is run again on a new start.",
)  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Draw these faults alone.")
@click.option("--plain", is_flag=True, help="Draw each schedule by the seed alone, without steering.")
@length
@settle
@options_run.results
@options_run.replace
@options.project
@options.host
@options.port
@options.as_json
@options.log_level
def command(
    name: str | None, budget_s: float | None, seed: int | None, resume: Path | None, repeat: int,
    faults: tuple[str, ...], plain: bool, length_s: float | None, settle_s: float | None, results: Path,
    replace: bool, project: str, host: str, port: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Draw timelines of faults for a scenario (its own is left aside) or a Compose file, run and judge each.

    A schedule that shows what none before it did is changed further. A finding is repeated on a new start.
    """
    folder = SearchFolder(resume) if resume is not None else None
    if folder is not None:
        settings = folder.settings()
        loaded = search_scenario(settings.scenario)
        if digest_of(loaded) != settings.digest:
            raise UsageError(
                f"{settings.scenario} is not as it was when {folder.path.name} began.",
                "Start another search.",
            )
    else:
        if name is None:
            raise UsageError("expected a scenario or a Compose file.", "Example: search thundering_herd")
        _refuse_unknown(faults)
        loaded = search_scenario(name)
        settings = SearchSettings(
            scenario=str(Path(name).resolve()) if Path(name).is_file() else name,
            seed=secrets.randbelow(MAX_SEED) if seed is None else seed,
            budget_s=30 * 60.0 if budget_s is None else budget_s,
            length_s=min(loaded.scenario.duration_s, LENGTH_S) if length_s is None else length_s,
            settle_s=min(loaded.scenario.converge_s, SETTLE_S) if settle_s is None else settle_s,
            repeat=repeat,
            plain=plain,
            faults=faults,
            digest=digest_of(loaded),
            version=own_version(),
            argv=sys.argv,
        )
    if budget_s is not None:
        settings = structs.replace(settings, budget_s=budget_s)
    _refuse_small_budget(settings)
    with searched_system(loaded, "search", replace, project, host, port) as (system, target_of, terminal):
        space = space_of(loaded, system, settings.length_s, settings.faults)
        if folder is None:
            folder = SearchFolder(new_folder(f"search-{loaded.name}", results))
            folder.begin(settings)
            folder.runs.mkdir()
        point_latest(folder.path)
        trials = Trialist(loaded, system, target_of(folder.path), folder.runs, sys.argv)
        search = Search(settings, space, trials, folder, loaded.scenario.converge_s, terminal.info)
        search.resume()
        terminal.info(f"{loaded.name}: search, seed {settings.seed}, {format_seconds(settings.budget_s)}")
        try:
            search.run()
        finally:
            trials.target.end("the search is over")
            report = report_of(search)
            write_search_report(report, folder.path)
    if as_json:
        print_json(report.to_json())
    else:
        print_lines(report.lines())
    return report.exit_code


def _refuse_unknown(faults: tuple[str, ...]) -> None:
    for one in faults:
        if one not in FAULTS:
            raise UsageError(f"there is no fault {one!r}.", nearest(one, FAULTS))


def _refuse_small_budget(settings: SearchSettings) -> None:
    least_s = START_S + settings.length_s + settings.settle_s
    if settings.budget_s < least_s:
        raise UsageError(
            f"--budget {format_seconds(settings.budget_s)} is too small for one run, which is a start, "
            f"{format_seconds(settings.length_s)} of load, {format_seconds(settings.settle_s)} to recover.",
            f"Give {format_seconds(least_s)} or more.",
        )


def digest_of(loaded: ScenarioFile) -> str:
    """Return a digest of a scenario as it was resolved."""
    return hashlib.sha256(resolved_yaml(loaded).encode()).hexdigest()[:16]


def search_scenario(name: str) -> ScenarioFile:
    """Return a scenario by its name or path, or one for a Compose file. Raises UsageError."""
    path = options_run.scenario_path(name)
    file = read_yaml(path)
    if not (isinstance(file.data, dict) and "services" in file.data):
        return load_scenario(path)
    text = "# What a fault breaks comes back after it.\n" + dump_yaml(
        {
            "system": str(path.resolve()),
            "duration": format_seconds(LENGTH_S),
            "warmup": "1s",
            "converge": "30s",
        }
    )
    name = path.resolve().parent.name
    return from_yaml(parse_yaml(text, f"{name}.yaml"), name, Overrides(), path.resolve().parent)


@contextmanager
def searched_system(
    loaded: ScenarioFile, verb: str, replace: bool, project: str, host: str, port: int | None
) -> Iterator[tuple[PlannedSystem | None, TargetOf, Terminal]]:
    """Hold the lab of a scenario's system; yield its plan, what makes the system of schedules, a terminal.

    Raises LabError.
    """
    with ExitStack() as stack:
        terminal = stack.enter_context(Terminal())
        if isinstance(loaded.scenario, SystemScenario):
            scenario_system.refuse_reference_options(loaded.name)
            file = scenario_system.request_of_scenario(loaded).files[0]
            stack.enter_context(scenario_system.system_in_run(file, verb, loaded.name, terminal))
            scenario_system.described(loaded)
            system = scenario_system.built(loaded, terminal)
            systems = state_dir() / "systems"
            yield system, lambda folder: ReusedSystem(folder / "starts", systems, terminal), terminal
        else:
            engine = options.engine_to_fill(project, terminal.info)
            stack.enter_context(lab_for_run(engine, [verb, loaded.name], replace, None, terminal))
            subject_of = partial(subject_on_lab, engine, terminal, host, port)
            yield None, lambda folder: FreshSystem(subject_of, terminal), terminal
