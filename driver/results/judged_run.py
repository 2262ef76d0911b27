"""Judging a stored run: its history, metrics and verdict, from its folder alone, without Docker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from driver.checks import always_judged
from driver.checks.finding import Finding, Status, passed, unknown
from driver.errors import UsageError
from driver.exit_codes import ExitCode
from driver.histories.clocks import NO_SKEW, Skew
from driver.histories.events import Receipt
from driver.histories.history import History
from driver.histories.journal_gaps import gaps
from driver.histories.journals import JOURNALS, JournalFiles, gc_paused, read_history
from driver.histories.machine_load import most_runnable_per_core, processes_alone_were_too_many
from driver.histories.run_timeline import run_timeline
from driver.histories.system_history import with_links
from driver.judging.clock_bounds import (
    SkewedJudgement,
    agreed_findings,
    agreed_receipts,
    bound_ns,
    clock_findings,
    comparable_findings,
    figure_bounds,
)
from driver.judging.expectations import Question, all_findings, questions
from driver.judging.receipt_rebuild import rebuild_receipts
from driver.judging.verdict import Verdict, judge
from driver.metrics import Metrics, measure
from driver.results.run_folder import RUN, SCENARIO, FaultFreeRun, RunRecord, read_record, save_verdict
from driver.scenarios.thresholds import Expectation, parse_expectations

FAULT_FREE = "passes_without_faults"
ALIKE = 2.0
"""How many times as many processes may want to run in one of two runs on a machine that was as busy in both."""
UNSEALED = (
    "the journals of this run carry no seals (an older lab wrote them): whether a line is missing or was "
    "altered since cannot be verified"
)


class JudgedRun(msgspec.Struct):
    """A judged run: what the reports are made from."""

    folder: Path
    record: RunRecord
    history: History
    metrics: Metrics
    verdict: Verdict

    @property
    def load_s(self) -> float:
        """How long its load lasted, which may have ended before its planned end."""
        return self.record.duration_s - self.history.view(run_timeline).early_s


def judge_run(folder: Path, files: JournalFiles | None = None) -> JudgedRun:
    """Judge a stored run, and write its metrics.json and verdict.json. `files` read its journals.

    With `controls` each finding of a run that passes is shown to be able to fail, or else is unknown.
    A folder that is cut short, damaged or of another version is judged as far as it goes, and inconclusive.
    Raises UsageError where the folder does not exist or holds no file of a run, and LabError where the
    two files cannot be written.
    """
    if not folder.is_dir():
        raise UsageError(
            f"expected the folder of a run; {folder} is none.",
            "Runs are kept in results/, each in a folder of its own.",
        )
    if not any((folder / part).exists() for part in (RUN, SCENARIO, JOURNALS)):
        # No file is written into a folder that is not a run's.
        raise UsageError(
            f"{folder} holds no run: neither {RUN} nor {SCENARIO} nor {JOURNALS}/ is in it.",
            "Name the folder of one run, or of a group of runs.",
        )
    record, missing = read_record(folder)
    expectations, wrong = _expectations(record)
    findings = [unknown("run_folder_is_whole", because) for because in (*missing, *wrong)]
    with gc_paused():
        history, notes, errors = stored_history(folder, record, files=files)
        findings += [unknown("receipts_made_anew", because) for because in errors]
        metrics = measure(history)
        own = all_findings(history, metrics, expectations, record.planned_faults)
        if skews := history.clocks.skews():
            skewed = [_judged_with(skew, folder, record, expectations) for skew in skews]
            metrics = replace(metrics, clock_bounds=figure_bounds(metrics.values, skewed))
            own = agreed_findings(own, skewed, bound_ns(history), metrics.clock_bounds)
            agreed_receipts(history, skewed)
        findings += [*clock_findings(history), *comparable_findings(history, own)]
        asked = questions(expectations, record.planned_faults, record.system is not None)
        findings = declared_on_busy_machine(record, history, metrics, asked, findings)
        findings = against_fault_free(record, findings)
        verdict = judge(findings, record.known_issues, notes)
        if record.controls and verdict.exit_code is ExitCode.PASSED:
            # Imported here: most runs have no controls.
            from driver.controls import with_reds

            verdict = judge(with_reds(history, asked, findings), record.known_issues, notes)
    save_verdict(folder, record, metrics, verdict)
    return JudgedRun(folder, record, history, metrics, verdict)


def _judged_with(
    skew: Skew, folder: Path, record: RunRecord, expectations: Sequence[Expectation]
) -> SkewedJudgement:
    """Judge a run with the clocks of its hosts as `skew` says."""
    history, _, _ = stored_history(folder, record, skew)
    metrics = measure(history)
    findings = all_findings(history, metrics, expectations, record.planned_faults)
    receipts = {receipt.fault: receipt for receipt in history.of(Receipt)}
    return SkewedJudgement(skew, findings, metrics.values, receipts)


def as_fault_free(judged: JudgedRun) -> FaultFreeRun:
    """Return what a run without faults shows. An unknown finding may need a fault, but none of the checks of
    every run does.
    """
    findings, always = judged.verdict.findings, always_judged(judged.record.system is not None)
    wrong = [one.check for one in findings if one.status is Status.failed]
    bare = [one.check for one in findings if one.status is Status.unknown and one.check in always]
    held = [one.check for one in findings if one.status is Status.passed]
    return FaultFreeRun(judged.record.run, wrong, bare, held, most_runnable_per_core(judged.history))


def declared_on_busy_machine(
    record: RunRecord, history: History, metrics: Metrics, asked: Sequence[Question], found: Sequence[Finding]
) -> list[Finding]:
    """Return the findings, where a busy machine is the reason for none that is declared to fail and that held
    without faults while this machine was half as busy or more: the faults make the difference.

    A failure that is not declared stays unknown: to recover in time may take more of a processor.
    """
    plain, declared = record.fault_free, {one.check for one in record.known_issues}
    if plain is None or history.view(gaps):
        return list(found)
    is_alike = (
        most_runnable_per_core(history) <= ALIKE * plain.runnable_per_core
        and processes_alone_were_too_many(history)
    )
    alone = {one.name: one.alone for one in asked if one.name in declared and one.name in plain.held}
    return [
        own
        if is_alike
        and one.status is Status.unknown
        and one.check in alone
        and (own := alone[one.check](history, metrics)).status is Status.failed
        else one
        for one in found
    ]


def against_fault_free(record: RunRecord, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with one on the run without faults, where controls ask for one. What failed there
    too is unknown: no fault is its cause.
    """
    if not record.controls or record.system is None or not record.planned_faults:
        return list(findings)
    plain = record.fault_free
    if plain is None:
        because = "no run without faults was made before this one: what fails may need no fault"
        return [*findings, unknown(FAULT_FREE, because)]
    if not plain.failed and plain.unproved:
        because = f"the run without faults shows nothing: {_named(plain.unproved)} unknown ({plain.run})"
        return [*findings, unknown(FAULT_FREE, because)]
    if not plain.failed:
        return [*findings, passed(FAULT_FREE, f"without faults nothing failed ({plain.run})")]
    because = f"without any fault this failed as well: {_named(plain.failed)} ({plain.run})"
    return [*(_blameless(one, plain) for one in findings), unknown(FAULT_FREE, because)]


def _named(checks: Sequence[str]) -> str:
    return ", ".join(checks[:3]) + (f" and {len(checks) - 3} more" if checks[3:] else "")


def _blameless(found: Finding, plain: FaultFreeRun) -> Finding:
    if found.status is not Status.failed or found.check not in plain.failed:
        return found
    because = f"it fails without any fault too ({plain.run}). {found.because}"
    return msgspec.structs.replace(found, status=Status.unknown, because=because)


def stored_history(
    folder: Path, record: RunRecord, skew: Skew = NO_SKEW, files: JournalFiles | None = None
) -> tuple[History, list[str], list[str]]:
    """Return a stored run's history with rebuilt receipts, notes on it, and why receipts have no rebuild.

    `skew` says what the clocks of its hosts are, within their bounds; `files` read its journals.
    """
    named = (record.processes, record.clients)
    history = read_history(folder, *named, sealed=record.sealed, skew=skew, files=files)
    if record.system is not None:
        history = with_links(history, record.system.containers)
    notes = [] if record.system is None else list(record.system.notes)
    notes += [] if history.sealed else [UNSEALED]
    try:
        return history, notes + rebuild_receipts(history, record.links), []
    except Exception as error:
        history.put(Receipt, [])
        because = f"no receipt could be made of the journals: {type(error).__name__}: {error}"
        return history, notes, [because]


def _expectations(record: RunRecord) -> tuple[Sequence[Expectation], list[str]]:
    parsed: list[Expectation] = []
    wrong = []
    on_system = record.system is not None
    for entry in record.expect:
        try:
            parsed += parse_expectations([entry], on_system=on_system)
        except ValueError as error:
            wrong.append(f"an expectation of this run cannot be judged: {error}")
    return parsed, wrong
