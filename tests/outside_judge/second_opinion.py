"""A second opinion on a stored run: what Porcupine says of each register and queue that it expects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from driver.checks.finding import Finding, Status
from driver.claims import parse_claim
from driver.claims.claim import Claim
from driver.claims.queue import Queue
from driver.claims.register import Register
from driver.histories.history import History
from driver.histories.journals import read_history
from driver.typed_json import decode_json
from tests.outside_judge import system_operations
from wire.errors import DECODE_ERRORS

LINEARIZABLE, BROKEN = "linearizable", "broken"
_SAME = {Status.passed: LINEARIZABLE, Status.failed: BROKEN}


class _StoredVerdict(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]


class OpinionError(Exception):
    """There is nothing in the run on which a second opinion can be had."""


@dataclass(frozen=True)
class Opinion:
    """What both say of one sentence. Where the run's finding is unknown there is nothing to differ from."""

    sentence: str
    ours: Status
    theirs: str

    @property
    def differs(self) -> bool:
        return self.ours in _SAME and _SAME[self.ours] != self.theirs

    def __str__(self) -> str:
        aside = " (differs)" if self.differs else ""
        return f"{self.sentence}: {self.ours.value}; Porcupine: {self.theirs}{aside}"


def opinions_on(run: Path, ask: Callable[[bytes], str]) -> list[Opinion]:
    """Return the opinions on a run's folder. `ask` returns Porcupine's verdict on operations as lines.

    Raises OpinionError where the run has no such sentence, or no verdict.
    """
    try:
        verdict = decode_json((run / "verdict.json").read_bytes(), _StoredVerdict)
    except (OSError, *DECODE_ERRORS) as error:
        raise OpinionError(
            f"{run} has no verdict; expected the folder of a run (results/…): {error}"
        ) from None
    asked = [(one, claim) for one in verdict.findings if (claim := _claim(one.check)) is not None]
    if not asked:
        raise OpinionError(
            f"{run.name} expects nothing of a register or of a queue; expected a sentence like "
            f"'{Register.example}' or '{Queue.example}'"
        )
    history = read_history(run)
    return [Opinion(one.check, one.status, ask(_lines(run, claim, history))) for one, claim in asked]


def _claim(text: str) -> Register | Queue | None:
    """Return the sentence; None for any other, and for a queue that is delivered into a column."""
    try:
        claim: Claim | None = parse_claim(text, None)
    except ValueError:
        return None
    if isinstance(claim, Queue):
        return claim if claim.into is None else None
    return claim if isinstance(claim, Register) else None


def _lines(run: Path, claim: Register | Queue, history: History) -> bytes:
    if isinstance(claim, Register):
        return system_operations.lines(
            run.name, system_operations.REGISTER, system_operations.of_register(history, claim.load)
        )
    return system_operations.lines(run.name, claim.how, system_operations.of_queue(history, claim.load))
