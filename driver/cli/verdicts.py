"""How a verdict is shown to a person, and to a machine."""

from __future__ import annotations

from driver.checks.finding import Status
from driver.judging.verdict import RunOutcome
from driver.paths import working_root
from driver.report.advice import advise
from driver.report.summary import group_findings, summary
from driver.report.view import figures, sorted_findings
from driver.report.write import HTML, MARKDOWN
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import VERDICT
from driver.suite.reports import took
from driver.terminal import print_json, print_lines, print_table
from driver.visible import one_line

_MARKS = {Status.passed: "good", Status.failed: "bad", Status.unknown: "warn"}
_WORDS = {
    RunOutcome.passed: "PASSED",
    RunOutcome.failed: "FAILED",
    RunOutcome.inconclusive: "INCONCLUSIVE",
    RunOutcome.expected_failure: "EXPECTED FAILURE",
}


def show_verdict(run: JudgedRun, as_json: bool) -> None:
    """The verdict with its findings, a few figures, and where the report is."""
    if as_json:
        print_json((run.folder / VERDICT).read_text())
        return
    found = sorted_findings(run)
    told = group_findings(found)
    wrong = [one for one in told.built_in if one.status is not Status.passed]
    shown = [one for one in found if one in wrong or one in told.expected]
    print_lines([_how_long(run), ""])
    rows = [[finding.status.value, one_line(finding.check), one_line(finding.because)] for finding in shown]
    print_table(["finding", "check", "because"], rows, [_MARKS[finding.status] for finding in shown])
    print_lines(["", told.built_in_says])
    print_lines(["", *(f"  {figure.name:<32}{figure.value}" for figure in figures(run)), ""])
    sentences = summary(run, advise(run.history, run.metrics))
    words = ("done", "broke", "change")
    print_lines([f"{word:<8}{one_line(said.text)}" for word, said in zip(words, sentences, strict=True)])
    print_lines([f"{_WORDS[run.verdict.verdict]}: {one_line(run.verdict.because)}"])
    print_lines([f"note: {one_line(note)}" for note in run.verdict.notes])
    print_lines([f"report: {_shown(run)} (for a browser: {HTML})"])


def _how_long(run: JudgedRun) -> str:
    """From the first container's start to the last line that was collected, and what was to be done in it."""
    record, history = run.record, run.history
    whole = took((history.end_ns - history.begin_ns) / 1e9)
    name, load = one_line(record.scenario), took(record.duration_s)
    return f"{name}: {whole} in all, {load} of them load, seed {record.seed}"


def _shown(run: JudgedRun) -> str:
    path = run.folder / MARKDOWN
    root = working_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
