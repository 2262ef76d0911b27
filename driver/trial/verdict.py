"""The verdict of a trial, its findings grouped by what to change, and its table. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from driver.exit_codes import ExitCode
from driver.nouns import counted
from driver.trial.baseline import SystemBaseline
from driver.trial.step_outcome import StepOutcome, StepVerdict

COLUMNS = ("fault", "what broke", "back")
_MARKS = {
    StepVerdict.came_back: "good",
    StepVerdict.broke: "bad",
    StepVerdict.inconclusive: "warn",
    StepVerdict.not_tried: "",
}


_COUNT = re.compile(r"(?<![\w\[:.])\d+(\.\d+)?")
"""A number in a clause that is no part of a name: of connections, of requests."""


class FindingGroup(msgspec.Struct, frozen=True):
    """Findings with the same thing to change. `number` counts groups from 1.

    `weaker`: everything came back, and stopped meanwhile or was dialled without a wait, which the verdict
    does not count.
    """

    number: int
    advice: Sequence[str]
    outcomes: Sequence[StepOutcome]
    weaker: bool = False

    @property
    def title(self) -> str:
        """The steps that show it: `cut worker->db:5432, kill db[1]`."""
        return ", ".join(one.step.name for one in self.outcomes)


class TrialReport(msgspec.Struct, kw_only=True):
    """try.json: everything that a trial has found.

    `ended` says why it ended before its programme, "" where it did not. `notes` are what differs from the
    file, goes around doors, or was not judged. `options` are the words after the file that repeat it in
    `folder`.
    """

    file: str
    folder: str
    system: str
    project: str
    began_wall_s: float
    took_s: float
    options: Sequence[str] = ()
    baseline: SystemBaseline | None = None
    outcomes: Sequence[StepOutcome] = ()
    ended: str = ""
    notes: Sequence[str] = ()
    verdict: str = ""
    because: str = ""
    exit_code: int = 0


def verdict(
    baseline: SystemBaseline | None, outcomes: Sequence[StepOutcome], ended: str
) -> tuple[str, str, ExitCode]:
    """Return a trial's verdict as a word, the sentence for it, and the exit code.

    What stopped only while a server was silent, or was dialled without a wait, is named and makes no verdict.

    Steps that were not tried because of the budget make no verdict; one that shows nothing makes it
    inconclusive unless another is a finding.
    """
    tried = [one for one in outcomes if one.verdict is not StepVerdict.not_tried]
    broke = [one for one in tried if one.verdict is StepVerdict.broke]
    unclear = [one for one in tried if one.verdict is StepVerdict.inconclusive]
    left = len(outcomes) - len(tried)
    rest = f" {left} of {len(outcomes)} steps were not tried." if left else ""
    weaker = weaker_groups(outcomes)
    if stops := sum(1 for one in weaker if one.outcomes[0].stopped):
        rest += f" {counted(stops, 'silent server')} stopped more than the links to it."
    if hasty := len(weaker) - stops:
        rest += f" {counted(hasty, 'link')} {'was' if hasty == 1 else 'were'} dialled too often."
    if broke:
        causes = len(groups(outcomes))
        what = f"{causes} {'thing' if causes == 1 else 'things'} to change"
        return (
            "failed",
            f"{len(broke)} of {len(tried)} faults broke something: {what}.{rest}",
            ExitCode.FAILED,
        )
    if baseline is not None and not baseline.carrying():
        return "inconclusive", "No link carried traffic while the system was at rest.", ExitCode.INCONCLUSIVE
    if baseline is not None and baseline.requests is not None and not baseline.requests.answered_per_s:
        why = "No request of the trial was answered while the system was at rest."
        return "inconclusive", why, ExitCode.INCONCLUSIVE
    if unclear or ended or not tried:
        count = (
            f"{len(unclear)} of {len(tried)} faults show nothing" if unclear else "The trial is incomplete"
        )
        why = f" ({ended})" if ended else ""
        return "inconclusive", f"{count}{why}.{rest}", ExitCode.INCONCLUSIVE
    compared = counted(sum(len(one.controls) for one in tried), "comparison")
    return (
        "passed",
        f"Everything came back by itself after each of {len(tried)} faults; {compared} could have shown "
        f"otherwise.{rest}",
        ExitCode.PASSED,
    )


def groups(outcomes: Sequence[StepOutcome]) -> list[FindingGroup]:
    """Return the findings, those with the same advice together, in the order of their first step."""
    found: dict[tuple[str, ...], list[StepOutcome]] = {}
    for one in outcomes:
        if one.verdict is StepVerdict.broke:
            key = tuple(one.advice) or tuple(_COUNT.sub("#", clause) for clause in one.broke)
            found.setdefault(key, []).append(one)
    return [
        FindingGroup(number, tuple(steps[0].advice) or tuple(steps[0].broke), steps)
        for number, steps in enumerate(found.values(), start=1)
    ]


def weaker_groups(outcomes: Sequence[StepOutcome], after: int = 0) -> list[FindingGroup]:
    """Return what stopped while a server was silent, and what was dialled without a wait, of steps after
    which everything came back, numbered from `after` on.
    """
    found: dict[tuple[bool, str], list[StepOutcome]] = {}
    for one in outcomes:
        if one.verdict is StepVerdict.came_back:
            for advice in one.advice:
                found.setdefault((False, advice), []).append(replace(one, stopped=()))
            if one.stopped:
                found.setdefault((True, one.stop_advice), []).append(one)
    order = sorted(found, key=lambda key: not key[0])
    return [
        FindingGroup(number, (key[1],), found[key], weaker=True)
        for number, key in enumerate(order, start=after + 1)
    ]


def all_groups(outcomes: Sequence[StepOutcome]) -> list[FindingGroup]:
    """Return the findings, then the weaker ones."""
    found = groups(outcomes)
    return [*found, *weaker_groups(outcomes, len(found))]


def mark(outcome: StepOutcome) -> str:
    """Return the mark of a step's row; "warn" for a weaker finding."""
    is_weaker = outcome.verdict is StepVerdict.came_back and (outcome.stopped or outcome.advice)
    return "warn" if is_weaker else _MARKS[outcome.verdict]


def row(outcome: StepOutcome) -> list[str]:
    """Return the table's row of a step."""
    return [outcome.step.name, outcome.what_broke, outcome.came_back]
