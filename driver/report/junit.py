"""junit.xml: a run as a test suite with a case for each finding, for CI systems."""

from __future__ import annotations

from xml.etree import ElementTree

from driver.checks.finding import Finding, Status
from driver.judging.verdict import RunOutcome
from driver.report.text import printable
from driver.results.judged_run import JudgedRun


def render_junit(run: JudgedRun) -> bytes:
    """Return the document. An unknown finding is an error; a failure of an expected failure is skipped."""
    findings = run.verdict.findings
    expected = run.verdict.verdict is RunOutcome.expected_failure
    wrong = Status.failed if not expected else None
    suite = ElementTree.Element(
        "testsuite",
        name=_clean(run.record.scenario or run.record.run),
        tests=str(len(findings)),
        failures=str(sum(1 for finding in findings if finding.status is wrong)),
        errors=str(sum(1 for finding in findings if finding.status is Status.unknown)),
        skipped=str(sum(1 for finding in findings if finding.status is Status.failed and expected)),
        time=f"{(run.history.end_ns - run.history.begin_ns) / 1e9:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("run", run.record.run),
        ("seed", str(run.record.seed)),
        ("verdict", run.verdict.verdict.value),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    for finding in findings:
        _case(suite, run, finding, expected)
    document: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _case(suite: ElementTree.Element, run: JudgedRun, finding: Finding, expected: bool) -> None:
    classname = f"stormlab.{run.record.scenario or 'run'}"
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(finding.check))
    if finding.status is Status.passed:
        return
    if finding.status is Status.unknown:
        tag, kind = "error", "inconclusive"
    else:
        tag, kind = ("skipped", "expected failure") if expected else ("failure", "failed")
    found = ElementTree.SubElement(case, tag, message=_clean(finding.because), type=kind)
    found.text = "\n".join(_clean(f"{line.at_s:.3f} s {line.where} {line.text}") for line in finding.evidence)


def _clean(text: str) -> str:
    # XML has no way to write most control characters, not even escaped.
    return printable(text)
