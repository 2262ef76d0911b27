"""The summary: one reason for each entry, in Markdown, JUnit and JSON, and harmless for any text."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec

from driver.suite.entry import EntryOutcome, EntryResult, SuiteSummary
from driver.suite.reports import as_json, as_junit, as_markdown


def summary(*results: EntryResult) -> SuiteSummary:
    return SuiteSummary(
        suite="20261124T021500Z-suite", verdict=EntryOutcome.failed, because="failed: herd", exit_code=1,
        quick=True, took_s=61.0, argv=["lab.py", "suite"], results=list(results),
    )  # fmt: skip


def one(name: str, outcome: EntryOutcome, because: str = "as told", run: str = "") -> EntryResult:
    return EntryResult(name=name, outcome=outcome, because=because, took_s=1.5, run=run)


EVERY = summary(*(one(outcome.value, outcome) for outcome in EntryOutcome))


def test_every_entry_is_in_the_markdown_with_outcome_and_reason() -> None:
    text = as_markdown(EVERY)
    for outcome in EntryOutcome:
        row = next(line for line in text.splitlines() if f"| {outcome.word} |" in line)
        assert "as told" in row


def test_a_run_is_linked_from_the_suites_folder() -> None:
    assert "](../2026Z-herd/report.md)" in as_markdown(
        summary(one("herd", EntryOutcome.passed, run="2026Z-herd"))
    )


def test_a_reason_with_markup_stays_in_its_cell() -> None:
    text = as_markdown(summary(one("herd", EntryOutcome.failed, "a | b\n<script>x</script>")))
    row = next(line for line in text.splitlines() if "FAILED |" in line)
    assert "<script>" not in text
    assert row.replace("\\|", "").count("|") == 7


def test_junit_counts_failures_errors_and_skips_apart() -> None:
    suite = ElementTree.fromstring(as_junit(EVERY))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "1", "1")
    assert suite.get("skipped") == "3"
    children = {case.get("name"): [child.tag for child in case] for case in suite}
    assert children["passed"] == []
    assert children["failed"] == ["failure"]
    assert children["inconclusive"] == ["error"]
    assert children["expected_failure"] == ["skipped"]


def test_junit_with_control_characters_is_still_xml() -> None:
    text = as_junit(summary(one("herd", EntryOutcome.failed, "a\x1b[31mred\x00")))
    failure = ElementTree.fromstring(text).find("testcase/failure")
    assert failure is not None
    assert "\x1b" not in str(failure.get("message"))


def test_json_reads_back_as_it_was() -> None:
    assert msgspec.json.decode(as_json(EVERY), type=SuiteSummary) == EVERY
