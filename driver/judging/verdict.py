"""From findings to a verdict. Pure.

1. Any failed finding that no known issue declares: FAILED. What is proved wrong stays wrong.
2. Else any unknown finding, or nothing that shows that anything was tried (traffic, faults): INCONCLUSIVE.
3. Else, when findings failed that known issues declare: EXPECTED FAILURE.
4. Else PASSED.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from driver.checks.finding import Finding, Status
from driver.exit_codes import ExitCode

SHOWS_THAT_IT_WAS_TRIED = ("traffic_flowed", "faults_were_proved")


class Outcome(StrEnum):
    """The verdict on a run."""

    passed = "passed"
    failed = "failed"
    inconclusive = "inconclusive"
    expected_failure = "expected_failure"


EXIT_CODES = {
    Outcome.passed: ExitCode.PASSED,
    Outcome.expected_failure: ExitCode.PASSED,
    Outcome.failed: ExitCode.FAILED,
    Outcome.inconclusive: ExitCode.INCONCLUSIVE,
}


class KnownIssue(msgspec.Struct, frozen=True):
    """A declared failure: the finding's name (a check, or an expectation as written), and why it is known."""

    check: str
    because: str


class Verdict(msgspec.Struct, frozen=True):
    """`notes` tells what to do besides: a known issue that passes after all is to be struck out."""

    verdict: Outcome
    because: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """What the command's exit status says of it."""
        return EXIT_CODES[self.verdict]


def judge(
    findings: Sequence[Finding], known_issues: Sequence[KnownIssue] = (), notes: Sequence[str] = ()
) -> Verdict:
    """The verdict on all findings of a run. `notes` are told with it, and change nothing about it."""
    known = {issue.check: issue for issue in known_issues}
    wrong = [finding for finding in findings if finding.status is Status.failed]
    surprises = [finding for finding in wrong if finding.check not in known]
    unknowns = [finding for finding in findings if finding.status is Status.unknown]
    all_notes = (*_notes(findings, known), *notes)

    def verdict(outcome: Outcome, because: str) -> Verdict:
        return Verdict(outcome, because, tuple(findings), all_notes)

    if surprises:
        return verdict(Outcome.failed, _told(surprises))
    if unknowns:
        return verdict(Outcome.inconclusive, _told(unknowns))
    untried = [name for name in SHOWS_THAT_IT_WAS_TRIED if all(finding.check != name for finding in findings)]
    if untried:
        return verdict(
            Outcome.inconclusive, f"nothing shows that anything was tried: {', '.join(untried)} not judged"
        )
    if wrong:
        reasons = "; ".join(f"{finding.check}: {known[finding.check].because}" for finding in wrong)
        return verdict(Outcome.expected_failure, f"failed as declared: {reasons}")
    return verdict(Outcome.passed, f"all {len(findings)} findings passed")


def _told(findings: Sequence[Finding]) -> str:
    first = findings[0]
    more = (
        f" (and {len(findings) - 1} more: {', '.join(f.check for f in findings[1:])})"
        if len(findings) > 1
        else ""
    )
    return f"{first.check}: {first.because}{more}"


def _notes(findings: Sequence[Finding], known: dict[str, KnownIssue]) -> tuple[str, ...]:
    by_name = {finding.check: finding for finding in findings}
    notes = []
    for name, issue in known.items():
        if name not in by_name:
            notes.append(
                f"the known issue {name!r} names nothing that was judged: strike it out or correct it"
            )
        elif by_name[name].status is Status.passed:
            notes.append(f"the known issue {name!r} ({issue.because}) passed after all: strike it out")
    return tuple(notes)
