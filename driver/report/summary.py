"""A run in three sentences: what was done, what broke, what to change. Pure.

Reports begin and the terminal ends with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from driver.checks import ALWAYS
from driver.checks.finding import Finding, Status
from driver.forensics.words import words_of
from driver.histories.machine_load import machine_too_busy
from driver.histories.run_timeline import PhaseSpan, run_timeline
from driver.judging.verdict import RunOutcome, Verdict
from driver.metrics.faults import effects
from driver.metrics.metric import Unit
from driver.metrics.quantities import write
from driver.metrics.worst import WorstCase, longest_outages, worst_cases
from driver.nouns import counted
from driver.report.advice import Advice
from driver.results.judged_run import JudgedRun

MOST_FAULTS = 3
MOST_LETTERS = 260
"""A longer reason is cut on the first screen; the finding has all of it."""

REPAIR = "Repair what is unknown, and run it again"
REPAIR_STOP = "Repair what stopped it, and run it again"


@dataclass(frozen=True)
class SummarySentence:
    """One sentence, and the section of the report that holds its evidence."""

    text: str
    section: str


@dataclass(frozen=True)
class FindingGroups:
    """Findings of the scenario's expectations, and those of the checks that every run has."""

    expected: tuple[Finding, ...]
    built_in: tuple[Finding, ...]

    @property
    def built_in_says(self) -> str:
        """The result of the built-in checks in one line."""
        bad = [one for one in self.built_in if one.status is not Status.passed]
        whole = f"{len(self.built_in)} built-in checks"
        return f"{len(bad)} of {whole} did not pass" if bad else f"all {whole} passed"


def summary(
    run: JudgedRun, advice: Sequence[Advice]
) -> tuple[SummarySentence, SummarySentence, SummarySentence]:
    """Return what was done, what broke and what to change, each with its section."""
    return (
        SummarySentence(_done(run), "faults"),
        SummarySentence(_broke(run), "findings"),
        SummarySentence(_change(run, advice), "advice" if advice else "findings"),
    )


def group_findings(findings: Sequence[Finding]) -> FindingGroups:
    """Return findings in their order, the scenario's own and the built-in ones apart."""
    return FindingGroups(
        tuple(one for one in findings if one.check not in ALWAYS),
        tuple(one for one in findings if one.check in ALWAYS),
    )


def _stop(run: JudgedRun) -> PhaseSpan | None:
    """Return the phase whose failure ended a run before its faults; None for a run that had them all."""
    timeline = run.history.view(run_timeline)
    return timeline.failed_phase if len(timeline.faults) < run.record.planned_faults else None


def _done(run: JudgedRun) -> str:
    faults = run.history.view(effects)
    if stop := _stop(run):
        begun = f"{len(faults)} of {counted(run.record.planned_faults, 'planned fault')}"
        return f"The run stopped in its phase {stop.name}, with {begun} begun."
    fleet = counted(len(run.history.clients), words_of(run.history).row)
    fleet_ran = f"{fleet} ran for {write(run.load_s, Unit.seconds)}"
    if not faults:
        return f"{fleet_ran} without a fault."
    each = []
    for effect in faults[:MOST_FAULTS]:
        window = effect.window
        lasted_s = None if window.ended_ns is None else (window.ended_ns - window.began_ns) / 1e9
        how_long = "" if lasted_s is None else f" for {write(lasted_s, Unit.seconds)}"
        each.append(f"{window.kind} on {counted(len(window.targets), 'target')}{how_long}")
    more = f" and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    unproved = sum(1 for effect in faults if not (effect.window.receipt and effect.window.receipt.proved))
    proof = "all proved" if not unproved else f"{unproved} not proved"
    return f"{fleet_ran} under {counted(len(faults), 'fault')}, {proof}: {', '.join(each)}{more}."


def _broke(run: JudgedRun) -> str:
    verdict = run.verdict
    stop = _stop(run)
    if stop and verdict.verdict is RunOutcome.inconclusive:
        return f"The run cannot say: {_ended(shorten(stop.detail, MOST_LETTERS, placeholder=' …'))}"
    is_failed = verdict.verdict in (RunOutcome.failed, RunOutcome.expected_failure)
    wanted = Status.failed if is_failed else Status.unknown
    first = next((one for one in verdict.findings if one.status is wanted), None)
    if verdict.verdict is RunOutcome.passed or first is None:
        longest = longest_outages(run.history)
        lost = f" The longest outage: {_case(run, longest[0])}." if longest else ""
        return f"Nothing broke that was expected to hold.{lost}"
    more = sum(1 for one in verdict.findings if one.status is wanted) - 1
    others = f" ({counted(more, 'more finding')} like it)" if more else ""
    cases = worst_cases(run.history, first.check.rpartition(": ")[2])
    worst = f" The worst: {_case(run, cases[0])}." if cases else ""
    head = "" if wanted is Status.failed else "The run cannot say: "
    # An expectation's reason names the figure itself.
    name = f"{first.check}: " if first.check in ALWAYS else ""
    because = shorten(first.because, MOST_LETTERS, placeholder=" …")
    return f"{head}{name}{_ended(f'{because}{others}')}{worst}"


def _ended(text: str) -> str:
    """Return a sentence with its full stop; one that was cut has none."""
    return text if text.endswith(("…", ".", "?", "!")) else f"{text}."


def _change(run: JudgedRun, advice: Sequence[Advice]) -> str:
    if run.verdict.verdict is RunOutcome.inconclusive:
        is_busy = bool(run.history.view(machine_too_busy))
        fewer = f"or with fewer {words_of(run.history).clients}"
        act = f"Run it again while the machine is less busy, {fewer}" if is_busy else REPAIR
        act = REPAIR_STOP if _stop(run) else act
        rests = " The report's advice rests on a run that proves nothing." if advice else ""
        return f"{act}: this run shows nothing about the system.{rests}"
    if advice:
        first = advice[0]
        more = f"({len(advice) - 1} more below)" if len(advice) > 1 else ""
        return " ".join(part for part in (f"{first.change.rstrip('.')}.", first.because, more) if part)
    if run.verdict.verdict is RunOutcome.passed:
        return "Nothing to change was found."
    return "No advice fits: the failed findings show their lines."


def counted_findings(verdict: Verdict) -> str:
    """Return the number of findings of each status, the bad ones first; the reason of an expected failure."""
    findings = verdict.findings
    if verdict.verdict is RunOutcome.expected_failure:
        return verdict.because
    many = Counter(one.status for one in findings)
    if many[Status.passed] == len(findings):
        return f"all {len(findings)} findings passed"
    wrong = [f"{many[status]} {status.value}" for status in (Status.failed, Status.unknown) if many[status]]
    return f"{', '.join(wrong)} and {many[Status.passed]} passed of {len(findings)} findings"


def _case(run: JudgedRun, case: WorstCase) -> str:
    at_s = run.history.view(run_timeline).at_s(case.from_ns)
    took = "never ended" if case.took_s is None else write(case.took_s, Unit.seconds)
    if case.attempts is not None:
        took = counted(case.attempts, "attempt")
    return f"{case.subject}, {took} from {at_s:.1f} s"
