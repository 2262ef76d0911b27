"""JUnit XML for CI systems: the document, and a run as a test suite with a case for each finding. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from driver.checks.finding import Finding, Status
from driver.judging.verdict import RunOutcome
from driver.report.text import printable
from driver.results.judged_run import JudgedRun


@dataclass(frozen=True)
class JUnitCase:
    """A test case. `status`: failure, error or skipped, "" for one that passed.

    `message`, `kind` (its `type`) and `text` explain the status. `output` is what the case printed. `time_s`
    is written where it is set.
    """

    name: str
    classname: str
    status: str = ""
    message: str = ""
    kind: str = ""
    text: str = ""
    output: str = ""
    time_s: float | None = None


def junit_document(
    name: str, cases: Sequence[JUnitCase], time_s: float, properties: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return junit.xml of one test suite. Characters that XML cannot hold are replaced."""

    def count(status: str) -> str:
        return str(sum(1 for case in cases if case.status == status))

    suite = ElementTree.Element(
        "testsuite",
        name=printable(name),
        tests=str(len(cases)),
        failures=count("failure"),
        errors=count("error"),
        skipped=count("skipped"),
        time=f"{time_s:.3f}",
    )
    if properties:
        listed = ElementTree.SubElement(suite, "properties")
        for key, value in properties:
            ElementTree.SubElement(listed, "property", name=key, value=printable(value))
    for case in cases:
        _add(suite, case)
    document: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def render_junit(run: JudgedRun) -> bytes:
    """Return the document of a run.

    An unknown finding is an error; a failed one is a failure, or skipped in an expected failure.
    """
    verdict = run.verdict.verdict
    classname = f"stormlab.{run.record.scenario or 'run'}"
    return junit_document(
        run.record.scenario or run.record.run,
        [_case(one, classname, verdict is RunOutcome.expected_failure) for one in run.verdict.findings],
        (run.history.end_ns - run.history.begin_ns) / 1e9,
        [("run", run.record.run), ("seed", str(run.record.seed)), ("verdict", verdict.value)],
    )


def _case(finding: Finding, classname: str, expected: bool) -> JUnitCase:
    if finding.status is Status.passed:
        return JUnitCase(finding.check, classname)
    if finding.status is Status.unknown:
        status, kind = "error", "inconclusive"
    else:
        status, kind = ("skipped", "expected failure") if expected else ("failure", "failed")
    lines = (printable(f"{line.at_s:.3f} s {line.where} {line.text}") for line in finding.evidence)
    return JUnitCase(finding.check, classname, status, finding.because, kind, "\n".join(lines))


def _add(suite: ElementTree.Element, case: JUnitCase) -> None:
    attributes = {"classname": printable(case.classname), "name": printable(case.name)}
    if case.time_s is not None:
        attributes["time"] = f"{case.time_s:.3f}"
    element = ElementTree.SubElement(suite, "testcase", attributes)
    if case.status:
        found = ElementTree.SubElement(element, case.status, message=printable(case.message))
        if case.kind:
            found.set("type", case.kind)
        found.text = case.text
    if case.output:
        ElementTree.SubElement(element, "system-out").text = printable(case.output)
