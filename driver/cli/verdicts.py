"""Prints the verdict on a run, as text or JSON; and what is to be said of it once it has been analysed."""

from __future__ import annotations

from collections.abc import Callable

from driver.checks.finding import Status
from driver.histories.events import MachineSample
from driver.histories.machine_load import machine_too_busy, too_busy
from driver.paths import working_root
from driver.report.subject_choice import subject_of
from driver.report.summary import group_findings, summary
from driver.report.view import because_with_red, figures, reds_say, sorted_findings
from driver.report.write import HTML, MARKDOWN
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import VERDICT
from driver.suite.reports import took
from driver.terminal import print_json, print_labelled, print_lines, print_table
from driver.visible import one_line

_MARKS = {Status.passed: "good", Status.failed: "bad", Status.unknown: "warn"}


def show_verdict(run: JudgedRun, as_json: bool) -> None:
    """Print a verdict with its findings and a few figures; or verdict.json."""
    if as_json:
        print_json((run.folder / VERDICT).read_text())
        return
    found = sorted_findings(run)
    groups = group_findings(found)
    wrong = [one for one in groups.built_in if one.status is not Status.passed]
    shown = [one for one in found if one in wrong or one in groups.expected]
    busy, brief = busy_of(run), _brief_of(run)
    print_lines([_how_long(run), ""])
    rows = [[one.status.value, one_line(one.check), brief(because_with_red(one))] for one in shown]
    print_table(["finding", "check", "because"], rows, [_MARKS[finding.status] for finding in shown])
    print_lines(["", groups.built_in_says, *_reds(run), *([f"{busy}."] if busy else [])])
    print_lines(["", *(f"  {figure.name:<32}{figure.value}" for figure in figures(run)), ""])
    print_labelled([
        (f"{run.verdict.verdict.word}:", brief(run.verdict.because)),
        *(("note:", one_line(note)) for note in run.verdict.notes),
    ])  # fmt: skip


def show_summary(run: JudgedRun, as_json: bool) -> None:
    """Print what was done, what broke and what to change, and the path of the report; nothing as JSON.

    To find what to change takes longer than to judge a run, so that a verdict does not wait for it.
    """
    if as_json:
        return
    brief = _brief_of(run)
    sentences = summary(run, subject_of(run.history).advise(run.history, run.metrics, run.verdict.findings))
    labels = ("done", "broke", "change")
    print_labelled([
        *((label, brief(one.text)) for label, one in zip(labels, sentences, strict=True)),
        ("report:", f"{_shown(run)} (for a browser: {HTML})"),
    ])  # fmt: skip


def _brief_of(run: JudgedRun) -> Callable[[str], str]:
    """Return what shortens a text: the load of the machine is printed once, below the findings."""
    busy = busy_of(run)
    return lambda text: one_line(text.replace(f"{busy}. ", "") if busy else text)


def _reds(run: JudgedRun) -> list[str]:
    said = reds_say(run.verdict.findings)
    return [said] if said else []


def busy_of(run: JudgedRun) -> str:
    """Return why the machine was too busy, as findings of this run say it; "" where none does."""
    during_run, in_all = run.history.view(machine_too_busy), too_busy(run.history.of(MachineSample))
    findings = run.verdict.findings
    return next((one for one in (during_run, in_all) if one and any(one in f.because for f in findings)), "")


def _how_long(run: JudgedRun) -> str:
    """Return the time from the first event to the last, and that of the load."""
    record, history = run.record, run.history
    whole = took((history.end_ns - history.begin_ns) / 1e9)
    name, load, planned = one_line(record.scenario), took(run.load_s), took(record.duration_s)
    early = "" if load == planned else f" (of {planned}, until all was decided)"
    return f"{name}: {whole} in all, {load} of them load{early}, seed {record.seed}"


def _shown(run: JudgedRun) -> str:
    path = run.folder / MARKDOWN
    root = working_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
