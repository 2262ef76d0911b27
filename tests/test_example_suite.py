"""Claims about the section of docs/proofs.md on examples: it is written for results as declared alone."""

from __future__ import annotations

from pathlib import Path

from driver.suite.entry import EntryOutcome, EntryResult, SuiteSummary
from tests.example_suite import as_markdown, newest, phases_of, wanting


def suite(name: str, *results: EntryResult) -> SuiteSummary:
    return SuiteSummary(
        suite=name, verdict=EntryOutcome.passed, because="", exit_code=0, quick=True, took_s=1500.0,
        argv=["lab.py", "suite", "examples"], results=list(results),
    )  # fmt: skip


def result(name: str, outcome: EntryOutcome, because: str = "as told") -> EntryResult:
    return EntryResult(name=name, outcome=outcome, because=because, took_s=50.0, run=f"run-of-{name}")


BUSY = suite("1", result("a", EntryOutcome.passed), result("b", EntryOutcome.inconclusive, "too busy"))
AGAIN = suite("2", result("a", EntryOutcome.not_run), result("b", EntryOutcome.expected_failure))


def test_the_newest_result_of_a_scenario_counts_and_one_that_was_not_run_is_none() -> None:
    found = newest([AGAIN, BUSY])
    assert {name: (one.result.outcome.value, one.suite) for name, one in found.items()} == {
        "a": ("passed", "1"),
        "b": ("expected_failure", "2"),
    }
    assert wanting(found, ["a", "b"]) == []


def test_what_is_undecided_or_was_not_run_is_named() -> None:
    assert wanting(newest([BUSY]), ["a", "b", "c"]) == ["b is INCONCLUSIVE: too busy", "c was not run"]


def test_the_section_has_the_time_of_each_suite_and_a_row_for_each_scenario() -> None:
    page = as_markdown(newest([BUSY, AGAIN]), [BUSY, AGAIN], {"up": [3.0, 9.0, 4.0]})
    assert "- `lab.py suite examples`: 2 scenarios in 25.0 min (1)." in page
    assert "| `b` | EXPECTED FAILURE | as told | 50 s |" in page
    assert "| up | 4.0 | 9.0 |" in page


def test_the_phases_of_a_run_are_read_from_its_journal(tmp_path: Path) -> None:
    journal = tmp_path / "driver.jsonl"
    begun = '{"event":"phase_begun","phase":"up","at_ns":1000000000}'
    ended = '{"event":"phase_ended","phase":"up","at_ns":3500000000}'
    journal.write_text(f"{begun}\n{ended}\n")
    assert phases_of(journal) == {"up": 2.5}
