"""The failed findings of some kinds of claims, on which advice rests. Pure."""

from __future__ import annotations

from driver.checks.finding import Finding, Status
from driver.claims.catalogue import parse_claim
from driver.report.advice import Findings


def failed_claims(findings: Findings, *kinds: str) -> list[Finding]:
    """Return the findings that failed and whose sentence is a claim of one of these kinds."""
    return [one for one in findings if one.status is Status.failed and _kind(one.check) in kinds]


def cited(finding: Finding) -> str:
    """Return a finding as the evidence of advice: its sentence, its reason, and its first line."""
    because = finding.because.partition("; ")[0]
    line = f" ({finding.evidence[0].where})" if finding.evidence else ""
    return f"'{finding.check}' failed: {because}{line}."


def _kind(text: str) -> str:
    try:
        claim = parse_claim(text)
    except ValueError:
        return ""
    return "" if claim is None else claim.name
