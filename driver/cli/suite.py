"""`lab.py suite`: runs the tests, then every scenario, to one summary."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from pathlib import Path

import click

from driver.cli import completers, options, options_run
from driver.cli.reference.run_lab import lab_for_run
from driver.cli.scenario_system import project_of_scenario, take_down_system
from driver.dashboard.sidecar import dashboard_sidecar
from driver.engines.engine import Engine, services
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.files import write_file
from driver.results.run_folder import new_folder
from driver.scenarios.scenario_file import find_scenario, scenario_paths, scenarios_under
from driver.suite.child_process import StopSignals
from driver.suite.commands import TESTS_LIMIT_S, Flags
from driver.suite.entry import SCENARIOS, TESTS, EntryOutcome, EntryResult, SuiteSummary, overall, select
from driver.suite.lanes import WHOLE_MACHINE, in_order, run_busy_again, run_entries
from driver.suite.reports import as_json, as_junit, as_markdown, took
from driver.suite.runner import EntryRunner, limit_s
from driver.terminal import ProgressView, Terminal, print_json, print_lines, print_table

MOST_AT_ONCE = 4
_COLUMNS = ["outcome", "entry", "took", "because"]
_MARKS = {EntryOutcome.passed: "good", EntryOutcome.failed: "bad", EntryOutcome.inconclusive: "warn"}


@click.command("suite")
@click.option(
    "--only", multiple=True, metavar="NAME...", help="Only these entries: tests, scenarios, or names."
)
@click.argument("more", nargs=-1, metavar="[NAME]...", shell_complete=completers.entries)
@options_run.quick
@click.option(
    "--controls/--no-controls",
    default=True,
    show_default=True,
    help="Show that each finding that passes fails on a changed history.",
)
@click.option("--list", "listed", is_flag=True, help="Only list the entries, and their time limits.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    metavar="N",
    default=min(MOST_AT_ONCE, os.cpu_count() or 1),
    show_default="the processor's cores, 4 at most",
    help="How many scenarios run side by side, each on a foreign system of its own.",
)
@click.option("--fail-fast", is_flag=True, help="End with the first entry that fails or is inconclusive.")
@options_run.seed
@options_run.results
@options_run.replace
@options_run.dashboard
@options.project
@options.engine
@options.host
@options.port
@options.as_json
@options.log_level
def command(
    only: tuple[str, ...], more: tuple[str, ...], quick: bool, controls: bool, listed: bool, at_once: int,
    fail_fast: bool, seed: int | None, results: Path, replace: bool, watched: bool, project: str, host: str,
    port: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Run the tests and then the scenarios, and write one summary to results/.

    A NAME may be a folder, or a scenario's file: then its scenarios run (those of examples/, for example),
    and nothing else that is not named. An error in one entry makes that entry inconclusive; the next begins
    with a lab of its own. One that this machine was too busy to decide runs once more, alone, at the end.
    """
    wanted = [name for names in (*only, *more) for name in names.split(",") if name]
    inside = _of_paths(wanted)
    paths = {**scenario_paths(), **inside}
    names = select([name for name in wanted if not _is_path(name)] + list(inside), paths)
    if listed:
        _list(names, paths, quick, controls)
        return ExitCode.PASSED
    level = logging.getLevelName(logging.getLogger("stormlab").level)
    chosen = options.chosen_engine()
    flags = Flags(quick, controls, host, port, project, seed, level, str(results.resolve()), chosen)
    began = time.monotonic()
    with (
        Terminal() as terminal,
        _lab(engine := options.engine_to_fill(project, terminal.info), names, replace, terminal) as lock,
        dashboard_sidecar(watched, project, results, terminal.info),
    ):
        if names != [TESTS]:
            engine.ensure_images(services(prober=True), terminal.info)
        folder = new_folder("suite", results)
        table = _LiveTable(terminal, names)

        def sum_up(ended: list[EntryResult]) -> SuiteSummary:
            verdict, because, code = overall(ended)
            return SuiteSummary(
                suite=folder.name, verdict=verdict, because=because, exit_code=code, quick=quick,
                took_s=time.monotonic() - began, argv=["lab.py", *sys.argv[1:]], results=ended,
            )  # fmt: skip

        def entry_ended(ended: list[EntryResult]) -> None:
            table.entry_ended(ended)
            # The results so far are kept, also if the suite itself is killed.
            _save(folder, sum_up(in_order(names, ended, "the suite did not get to it")))

        with StopSignals(terminal.info) as stop:
            down = partial(take_down_system, terminal=terminal)
            runner = EntryRunner(folder, flags, engine, stop, terminal, table.tick, lock, paths, down)
            uses = cache(lambda name: WHOLE_MACHINE if name == TESTS else project_of_scenario(paths[name]))
            ended = run_entries(names, runner.run, stop.asked, entry_ended, fail_fast, at_once, uses)
            ended = run_busy_again(ended, runner.run_again, stop.asked, entry_ended)
    summary = sum_up(ended)
    _save(folder, summary)
    _print_summary(summary, folder, as_json)
    return summary.exit_code


def _lab(engine: Engine, names: list[str], replace: bool, terminal: Terminal) -> AbstractContextManager[int]:
    """Return the lab's lock; none for the tests alone, which have labs of their own."""
    return nullcontext(-1) if names == [TESTS] else lab_for_run(engine, ["suite"], replace, None, terminal)


def _is_path(name: str) -> bool:
    """Whether a name is that of a folder, or of a scenario's file."""
    return name not in (TESTS, SCENARIOS) and (os.path.isdir(name) or name.endswith((".yaml", ".yml")))


def _of_paths(wanted: list[str]) -> dict[str, Path]:
    """Return the scenarios of folders and files among `wanted`. Raises UsageError for a file that is not
    there, and for a name that others have too.
    """
    found: dict[str, Path] = {}
    for named in filter(_is_path, wanted):
        given = Path(named)
        inside = scenarios_under(given) if given.is_dir() else {given.stem: find_scenario(named)}
        for name, path in inside.items():
            if (other := {**scenario_paths(), **found}.get(name)) and not path.samefile(other):
                raise UsageError(f"{path} and {other} are scenarios of one name.", "Rename one of them.")
            found[name] = path
    return found


def _list(names: list[str], paths: Mapping[str, Path], quick: bool, controls: bool) -> None:
    """Print the time limit of the whole, then each entry with its own."""
    limits = {
        name: TESTS_LIMIT_S if name == TESTS else limit_s(str(paths[name]), quick, controls) for name in names
    }
    print_lines([f"{len(names)} entries, {took(sum(limits.values()))} at most", ""])
    print_table(["entry", "at most"], [[name, took(limit)] for name, limit in limits.items()])


class _LiveTable:
    """Shows the live table; without a terminal a line at the end of each entry. For any thread."""

    def __init__(self, terminal: Terminal, names: list[str]) -> None:
        self._terminal = terminal
        self._names = names
        self._results: list[EntryResult] = []
        self._lines: dict[str, str] = {}
        self._lock = threading.Lock()

    def tick(self, name: str, line: str) -> None:
        with self._lock:
            self._lines[name] = line
            done = {one.name: one for one in self._results}
            rows, marks = [], []
            for each in self._names:
                if each in done:
                    rows.append(_row(done[each]))
                    marks.append(_MARKS.get(done[each].outcome, ""))
                else:
                    rows.append(["running" if each in self._lines else "", each, "", ""])
                    marks.append("")
            running = "; ".join(f"{each}: {line}" for each, line in self._lines.items())
            self._terminal.show_table(_COLUMNS, rows, marks, ProgressView(running))

    def entry_ended(self, results: list[EntryResult]) -> None:
        with self._lock:
            self._results = list(results)
            one = results[-1]
            self._lines.pop(one.name, None)
            self._terminal.clear()
            where = f"{len(results)} of {len(self._names)}"
            self._terminal.info(
                f"[{where}] {one.name}: {one.outcome.word} ({took(one.took_s)}): {one.because}"
            )


def _row(one: EntryResult) -> list[str]:
    return [one.outcome.word, one.name, took(one.took_s) if one.took_s else "", one.because]


def _save(folder: Path, summary: SuiteSummary) -> None:
    write_file(folder / "summary.md", as_markdown(summary).encode())
    write_file(folder / "junit.xml", as_junit(summary))
    write_file(folder / "summary.json", as_json(summary))


def _print_summary(summary: SuiteSummary, folder: Path, as_json_wanted: bool) -> None:
    if as_json_wanted:
        print_json(as_json(summary).decode())
        return
    print_lines([f"{took(summary.took_s)} in all, {len(summary.results)} entries", ""])
    print_table(
        _COLUMNS,
        [_row(one) for one in summary.results],
        [_MARKS.get(one.outcome, "") for one in summary.results],
    )
    print_lines(["", f"{summary.verdict.word}: {summary.because}", f"summary: {folder / 'summary.md'}"])
