"""Writes what suites of examples/ showed into docs/proofs.md: python -m tests.example_suite results/…-suite …

Of each scenario the newest result counts, and each must have one as declared: PASSED, or EXPECTED FAILURE.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from driver.paths import project_root
from driver.report.text import code, escape_markdown
from driver.scenarios.scenario_file import scenarios_under
from driver.suite.entry import EntryOutcome, EntryResult, SuiteSummary
from driver.suite.reports import took
from tests.proofs import commit, keep

AS_DECLARED = (EntryOutcome.passed, EntryOutcome.expected_failure)
PHASES = ("up", "ready", "gate", "timeline", "heal", "verify", "converge", "drain", "collect")


@dataclass(frozen=True)
class Shown:
    """The newest result of a scenario, and the suite that it is of."""

    result: EntryResult
    suite: str


def newest(suites: Iterable[SuiteSummary]) -> dict[str, Shown]:
    """Return the newest result of each scenario that was run, by name."""
    found = {}
    for suite in sorted(suites, key=lambda one: one.suite):
        for result in suite.results:
            if result.outcome is not EntryOutcome.not_run:
                found[result.name] = Shown(result, suite.suite)
    return found


def phases_of(journal: Path) -> dict[str, float]:
    """Return the seconds of each phase of a run, by its driver's journal."""
    began: dict[str, int] = {}
    lasted: dict[str, float] = {}
    for line in journal.read_bytes().splitlines():
        event: Mapping[str, Any] = json.loads(line)
        if event["event"] == "phase_begun":
            began[event["phase"]] = event["at_ns"]
        elif event["event"] == "phase_ended":
            lasted[event["phase"]] = (event["at_ns"] - began[event["phase"]]) / 1e9
    return lasted


def wanting(found: Mapping[str, Shown], names: Iterable[str]) -> list[str]:
    """Return why the page cannot be written, as a clause for each scenario without a result as declared."""
    wrong = []
    for name in names:
        if name not in found:
            wrong.append(f"{name} was not run")
        elif found[name].result.outcome not in AS_DECLARED:
            result = found[name].result
            wrong.append(f"{name} is {result.outcome.word}: {result.because}")
    return wrong


def as_markdown(
    found: Mapping[str, Shown], suites: Sequence[SuiteSummary], phases: Mapping[str, Sequence[float]]
) -> str:
    """Return the section: suites with their times, scenarios with results, phases with their seconds."""
    lines = []
    for suite in suites:
        ended = sum(one.outcome is not EntryOutcome.not_run for one in suite.results)
        lines.append(
            f"- {code(' '.join(suite.argv))}: {ended} scenarios in {took(suite.took_s)} ({suite.suite})."
        )
    lines += ["", "| scenario | verdict | because | with its run without faults |", "|---|---|---|---|"]
    for name, one in sorted(found.items()):
        cells = [
            code(name),
            one.result.outcome.word,
            escape_markdown(one.result.because),
            took(one.result.took_s),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Seconds of the phases of these runs:", "", "| phase | median | longest |", "|---|---|---|"]
    for name, seconds in phases.items():
        lines.append(f"| {name} | {median(seconds):.1f} | {max(seconds):.1f} |")
    return "\n".join(lines)


def main() -> int:
    """Return 0 where every scenario of examples/ has a result as declared and the page is written, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suites", nargs="+", type=Path, metavar="FOLDER", help="a suite's folder in results/")
    folders: list[Path] = parser.parse_args().suites
    suites = [
        msgspec.json.decode((folder / "summary.json").read_bytes(), type=SuiteSummary) for folder in folders
    ]
    found = newest(suites)
    if wrong := wanting(found, scenarios_under(project_root() / "examples")):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    results = {suite.suite: folder.resolve().parent for suite, folder in zip(suites, folders, strict=True)}
    each = [
        phases_of(results[one.suite] / one.result.run / "journals" / "driver.jsonl") for one in found.values()
    ]
    phases = {name: [one[name] for one in each if name in one] for name in PHASES}
    text = as_markdown(found, suites, phases)
    print(text)
    keep("examples", text, commit())
    return 0


if __name__ == "__main__":
    sys.exit(main())
