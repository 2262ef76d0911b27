"""The summary of a suite as Markdown, JUnit XML and JSON. Pure."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec

from driver.report.text import code, escape_markdown, printable
from driver.suite.entry import EntryOutcome, EntryResult, SuiteSummary

ICONS = {
    EntryOutcome.passed: "✅",
    EntryOutcome.expected_failure: "⚠️",
    EntryOutcome.failed: "❌",
    EntryOutcome.inconclusive: "❔",
    EntryOutcome.skipped: "⏭️",
    EntryOutcome.not_run: "⏭️",
}


def as_json(summary: SuiteSummary) -> bytes:
    """Return summary.json."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def as_markdown(summary: SuiteSummary, link_runs: bool = True) -> str:
    """Return summary.md, for a pull request or a CI job. Links are relative to the suite's folder."""
    lines = [
        f"# {ICONS[summary.verdict]} Suite {summary.verdict.word}: {escape_markdown(summary.because)}",
        "",
        f"{len(summary.results)} entries{' in their quick form' if summary.quick else ''}, "
        f"{took(summary.took_s)}, started by {code(' '.join(summary.argv))}.",
        "",
        "| | entry | outcome | because | took | where |",
        "|---|---|---|---|---|---|",
    ]
    for one in summary.results:
        cells = [
            ICONS[one.outcome],
            escape_markdown(one.name),
            one.outcome.word,
            escape_markdown(one.because),
            took(one.took_s) if one.took_s else "",
            _where(one, link_runs),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def as_junit(summary: SuiteSummary) -> bytes:
    """Return junit.xml: an entry is a test case; inconclusive is an error, a declared failure is skipped."""
    counts = dict.fromkeys(EntryOutcome, 0)
    for one in summary.results:
        counts[one.outcome] += 1
    suite = ElementTree.Element(
        "testsuite",
        name="stormlab",
        tests=str(len(summary.results)),
        failures=str(counts[EntryOutcome.failed]),
        errors=str(counts[EntryOutcome.inconclusive]),
        skipped=str(
            counts[EntryOutcome.expected_failure]
            + counts[EntryOutcome.skipped]
            + counts[EntryOutcome.not_run]
        ),
        time=f"{summary.took_s:.3f}",
    )
    tags = {EntryOutcome.failed: "failure", EntryOutcome.inconclusive: "error"}
    for one in summary.results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="stormlab", name=one.name, time=f"{one.took_s:.3f}"
        )
        because = printable(one.because)
        if one.outcome is not EntryOutcome.passed:
            tag = tags.get(one.outcome, "skipped")
            ElementTree.SubElement(case, tag, message=f"{one.outcome.word.lower()}: {because}")
        if one.run:
            ElementTree.SubElement(case, "system-out").text = printable(f"results/{one.run}")
    text: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def took(seconds: float) -> str:
    """Return a duration as text."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _where(one: EntryResult, link_runs: bool) -> str:
    parts = []
    if one.run:
        parts.append(f"[run](../{one.run}/report.md)" if link_runs else code(f"results/{one.run}"))
    if one.log:
        parts.append(f"[log]({one.log})" if link_runs else code(one.log))
    return " ".join(parts)
