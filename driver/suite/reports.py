"""The summary of a suite as Markdown, JUnit XML and JSON. Pure."""

from __future__ import annotations

import msgspec

from driver.report.junit import JUnitCase, junit_document
from driver.report.text import code, escape_markdown
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
    statuses = {EntryOutcome.passed: "", EntryOutcome.failed: "failure", EntryOutcome.inconclusive: "error"}
    cases = [
        JUnitCase(
            one.name,
            "stormlab",
            status=statuses.get(one.outcome, "skipped"),
            message=f"{one.outcome.word.lower()}: {one.because}",
            output=f"results/{one.run}" if one.run else "",
            time_s=one.took_s,
        )
        for one in summary.results
    ]
    return junit_document("stormlab", cases, summary.took_s)


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
