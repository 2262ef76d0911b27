"""What the suite is made of, how an entry can end, and what all of it together says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from chaos.explain import nearest
from driver.errors import WrongUseError
from driver.exit_codes import ExitCode

TESTS = "tests"
SCENARIOS = "scenarios"


class Outcome(StrEnum):
    """How an entry ended. `skipped`: it cannot be run here; `not_run`: the suite ended before it."""

    passed = "passed"
    expected_failure = "expected_failure"
    failed = "failed"
    inconclusive = "inconclusive"
    skipped = "skipped"
    not_run = "not_run"

    @property
    def word(self) -> str:
        """The outcome as people read it."""
        return self.value.replace("_", " ").upper()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it ended. `run`: its folder under results/, `log`: a file of the suite's; "" for none."""

    name: str
    outcome: Outcome
    because: str
    took_s: float = 0.0
    run: str = ""
    log: str = ""


class Summary(msgspec.Struct, kw_only=True):
    """summary.json: every entry in the order of the suite, with the reason for how it ended."""

    suite: str
    verdict: Outcome
    because: str
    exit_code: int
    quick: bool
    took_s: float
    argv: list[str]
    results: list[Result]
    format: int = 1


def select(only: Sequence[str], scenarios: Iterable[str]) -> list[str]:
    """The entries to run, in the suite's own order. Raises WrongUseError for a name that is none."""
    every = [TESTS, *scenarios]
    if not only:
        return every
    for name in only:
        if name not in every and name != SCENARIOS:
            raise WrongUseError(
                f"--only: the suite has no entry {name!r}.", nearest(name, [*every, SCENARIOS])
            )
    return [name for name in every if name in only or (name != TESTS and SCENARIOS in only)]


def overall(results: Sequence[Result]) -> tuple[Outcome, str, ExitCode]:
    """What the suite says: failed if anything failed, else inconclusive if anything was not decided."""
    failed = _named(results, Outcome.failed)
    if failed:
        return Outcome.failed, f"failed: {', '.join(failed)}", ExitCode.FAILED
    undecided = _named(results, Outcome.inconclusive)
    not_run = _named(results, Outcome.not_run)
    if undecided or not_run:
        parts = [f"inconclusive: {', '.join(undecided)}"] if undecided else []
        parts += [f"not run: {', '.join(not_run)}"] if not_run else []
        return Outcome.inconclusive, "; ".join(parts), ExitCode.INCONCLUSIVE
    decided = [one for one in results if one.outcome is not Outcome.skipped]
    if not decided:
        return Outcome.inconclusive, "nothing was run", ExitCode.INCONCLUSIVE
    expected = len(_named(results, Outcome.expected_failure))
    because = f"{len(decided) - expected} of {len(decided)} passed"
    return Outcome.passed, because + (f", {expected} failed as declared" if expected else ""), ExitCode.PASSED


def _named(results: Sequence[Result], outcome: Outcome) -> list[str]:
    return [one.name for one in results if one.outcome is outcome]
