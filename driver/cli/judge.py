"""`lab.py judge`: judges a stored run again, without Docker."""

from __future__ import annotations

import os
from pathlib import Path

import click

from chaos.explain import shortened
from driver.cli import completers, options
from driver.cli.verdicts import show_summary, show_verdict
from driver.errors import UsageError
from driver.judging.verdict import Verdict
from driver.report.write import write_reports
from driver.results.group_file import GroupFile, judged_again, read_group, save_group
from driver.results.judged_run import judge_run
from driver.results.run_folder import LATEST, results_root


@click.command("judge")
@click.argument("run", default=LATEST, shell_complete=completers.runs)
@options.as_json
@options.log_level
def command(run: str, as_json: bool) -> int:
    """Judge the stored RUN again: a folder, its name in results/, or `latest`. Its report is written again.

    Of a group (a matrix, repeats) each run is judged again, and the group's own verdict and comparison.
    """
    folder = find_run(run)
    if (group := read_group(folder)) is not None:
        return _judge_group(folder, group, as_json)
    outcome = judge_run(folder)
    write_reports(outcome)
    show_verdict(outcome, as_json)
    show_summary(outcome, as_json)
    return outcome.verdict.exit_code


def _judge_group(folder: Path, group: GroupFile, as_json: bool) -> int:
    again = judged_again(folder, group, judge_one)
    save_group(folder, again)
    # Imported here: the comparison takes a second to load.
    from driver.cli.groups import show_group

    show_group(folder, again, as_json)
    return again.exit_code


def judge_one(folder: Path) -> Verdict:
    """Judge one run of a group again, and rewrite its report. Raises UsageError."""
    outcome = judge_run(folder)
    write_reports(outcome)
    return outcome.verdict


def find_run(name: str) -> Path:
    """Return the folder of a stored run. Raises UsageError with the newest runs."""
    for folder in (Path(name), results_root() / name):
        if os.path.isdir(folder):
            return folder.resolve()
    root = results_root()
    kept = sorted(path.name for path in root.glob("*Z-*")) if root.is_dir() else []
    hint = (
        f"The newest: {', '.join(kept[-3:])}"
        if kept
        else "Run one first: python lab.py scenario thundering_herd"
    )
    raise UsageError(f"There is no run {shortened(repr(name))}.", hint)
