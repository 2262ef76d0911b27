"""From findings to a verdict. Pure.

1. Any failed finding that no known issue declares: FAILED.
2. Else any unknown finding, or a required check (traffic, faults) that was not judged: INCONCLUSIVE.
3. Else, when findings failed that known issues declare: EXPECTED FAILURE.
4. Else PASSED.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from driver.checks.finding import Finding, Status
from driver.exit_codes import ExitCode

REQUIRED_CHECKS = ("traffic_flowed", "faults_were_proved")


class RunOutcome(StrEnum):
    """The verdict on a run."""

    passed = "passed"
    failed = "failed"
    inconclusive = "inconclusive"
    expected_failure = "expected_failure"

    @property
    def word(self) -> str:
        """The verdict as text for reports: `EXPECTED FAILURE`."""
        return self.value.replace("_", " ").upper()


EXIT_CODES = {
    RunOutcome.passed: ExitCode.PASSED,
    RunOutcome.expected_failure: ExitCode.PASSED,
    RunOutcome.failed: ExitCode.FAILED,
    RunOutcome.inconclusive: ExitCode.INCONCLUSIVE,
}


class KnownFailure(msgspec.Struct, frozen=True):
    """A declared failure: the finding's name (a check, or an expectation as written), and its reason."""

    check: str
    because: str


class Verdict(msgspec.Struct, frozen=True):
    """A run's verdict. `notes` are for the reader, like a known issue that passed."""

    verdict: RunOutcome
    because: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The command's exit code for it."""
        return EXIT_CODES[self.verdict]


def judge(
    findings: Sequence[Finding], known_issues: Sequence[KnownFailure] = (), notes: Sequence[str] = ()
) -> Verdict:
    """Return the verdict on all findings of a run. `notes` are added to it, and do not change it."""
    known = {issue.check: issue for issue in known_issues}
    wrong = [finding for finding in findings if finding.status is Status.failed]
    unexpected = [finding for finding in wrong if finding.check not in known]
    unknowns = [finding for finding in findings if finding.status is Status.unknown]
    all_notes = (*_notes(findings, known), *notes)

    def verdict(outcome: RunOutcome, because: str) -> Verdict:
        return Verdict(outcome, because, tuple(findings), all_notes)

    if unexpected:
        return verdict(RunOutcome.failed, _reason(unexpected))
    if unknowns:
        return verdict(RunOutcome.inconclusive, _reason(unknowns))
    missing = [name for name in REQUIRED_CHECKS if all(finding.check != name for finding in findings)]
    if missing:
        return verdict(RunOutcome.inconclusive, f"required checks were not judged: {', '.join(missing)}")
    if wrong:
        reasons = "; ".join(f"{finding.check}: {known[finding.check].because}" for finding in wrong)
        return verdict(RunOutcome.expected_failure, f"failed as declared: {reasons}")
    return verdict(RunOutcome.passed, f"all {len(findings)} findings passed")


def _reason(findings: Sequence[Finding]) -> str:
    first = findings[0]
    more = (
        f" (and {len(findings) - 1} more: {', '.join(f.check for f in findings[1:])})"
        if len(findings) > 1
        else ""
    )
    return f"{first.check}: {first.because}{more}"


def _notes(findings: Sequence[Finding], known: dict[str, KnownFailure]) -> tuple[str, ...]:
    by_name = {finding.check: finding for finding in findings}
    notes = []
    for name, issue in known.items():
        if name not in by_name:
            notes.append(f"the known issue {name!r} names no finding: remove or correct it")
        elif by_name[name].status is Status.passed:
            notes.append(f"the known issue {name!r} ({issue.because}) passed: remove it")
    return tuple(notes)
