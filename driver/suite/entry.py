"""Entries of the suite, their outcomes, and the suite's verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from chaos.explain import nearest
from driver.errors import UsageError
from driver.exit_codes import ExitCode

TESTS = "tests"
SCENARIOS = "scenarios"


class EntryOutcome(StrEnum):
    """An entry's outcome. `skipped`: it cannot run here; `not_run`: the suite ended before it."""

    passed = "passed"
    expected_failure = "expected_failure"
    failed = "failed"
    inconclusive = "inconclusive"
    skipped = "skipped"
    not_run = "not_run"

    @property
    def word(self) -> str:
        """The outcome as text for reports."""
        return self.value.replace("_", " ").upper()


class EntryResult(msgspec.Struct, frozen=True, kw_only=True):
    """One entry's result. `run`: its folder under results/, `log`: its file in the suite's; "" for none.

    `busy`: the machine was too busy to decide it.
    """

    name: str
    outcome: EntryOutcome
    because: str
    took_s: float = 0.0
    run: str = ""
    log: str = ""
    busy: bool = False


class SuiteSummary(msgspec.Struct, kw_only=True):
    """summary.json: every entry in the suite's order, with the reason of its outcome."""

    suite: str
    verdict: EntryOutcome
    because: str
    exit_code: int
    quick: bool
    took_s: float
    argv: list[str]
    results: list[EntryResult]
    format: int = 1


def select(only: Sequence[str], scenarios: Iterable[str]) -> list[str]:
    """Return the entries to run, in the suite's order. Raises UsageError for an unknown name."""
    every = [TESTS, *scenarios]
    if not only:
        return every
    for name in only:
        if name not in every and name != SCENARIOS:
            raise UsageError(f"--only: the suite has no entry {name!r}.", nearest(name, [*every, SCENARIOS]))
    return [name for name in every if name in only or (name != TESTS and SCENARIOS in only)]


def overall(results: Sequence[EntryResult]) -> tuple[EntryOutcome, str, ExitCode]:
    """Return the suite's verdict, its reason and exit code: failed before inconclusive before passed."""
    failed = _named(results, EntryOutcome.failed)
    if failed:
        return EntryOutcome.failed, f"failed: {', '.join(failed)}", ExitCode.FAILED
    undecided = _named(results, EntryOutcome.inconclusive)
    not_run = _named(results, EntryOutcome.not_run)
    if undecided or not_run:
        parts = [f"inconclusive: {', '.join(undecided)}"] if undecided else []
        parts += [f"not run: {', '.join(not_run)}"] if not_run else []
        return EntryOutcome.inconclusive, "; ".join(parts), ExitCode.INCONCLUSIVE
    decided = [one for one in results if one.outcome is not EntryOutcome.skipped]
    if not decided:
        return EntryOutcome.inconclusive, "nothing was run", ExitCode.INCONCLUSIVE
    expected = len(_named(results, EntryOutcome.expected_failure))
    because = f"{len(decided) - expected} of {len(decided)} passed"
    return (
        EntryOutcome.passed,
        because + (f", {expected} failed as declared" if expected else ""),
        ExitCode.PASSED,
    )


def _named(results: Sequence[EntryResult], outcome: EntryOutcome) -> list[str]:
    return [one.name for one in results if one.outcome is outcome]
