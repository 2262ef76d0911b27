"""Tries the controls on the findings of a run that passed: each must be shown not to pass. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from driver.checks.catalogue import RAISED
from driver.checks.finding import Finding, Red, Status
from driver.claims.catalogue import RAISED as CLAIM_RAISED
from driver.controls.catalogue import CONTROLS
from driver.controls.control import Altered, Control
from driver.histories.history import History, Reads
from driver.judging.expectations import Question
from driver.metrics import measure_on_demand
from wire.events import Event

MOST_EVENTS = 30_000_000
"""Events of all changed histories together that are judged for what no declared control has broken."""


@dataclass
class _Passed:
    """A question whose finding passed, what it read of the history, and the control that turns it red."""

    question: Question
    reads: Reads
    red: Red | None = None
    tried: set[str] = field(default_factory=set)

    def depends_on(self, changed: Reads) -> bool:
        """Whether the finding may differ in a history whose changes are these."""
        return not self.reads.isdisjoint(changed)

    def judge(self, control: Control, altered: Altered) -> None:
        """Note the control if the question does not pass on its changed history."""
        found = self.question.alone(altered.history, measure_on_demand(altered.history))
        wanted = Status.failed if self.question.fails else Status.unknown
        if found.status is wanted and not found.because.startswith((RAISED, CLAIM_RAISED)):
            self.red = Red(control.name, altered.change)


def with_reds(history: History, questions: Sequence[Question], findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings; each that passed has the control that turns it red, or else is unknown.

    `findings` are those of `questions`, by their names; others are returned as they are.
    """
    by_name = {one.name: one for one in questions}
    passed = {
        found.check: _asked(history, by_name[found.check])
        for found in findings
        if found.status is Status.passed and found.check in by_name
    }
    _try_declared(history, passed.values())
    _try_all(history, passed.values())
    return [_shown(found, passed.get(found.check)) for found in findings]


def red_of(history: History, question: Question, controls: Iterable[Control] | None = None) -> Red | None:
    """Return the control that turns one question red on a history on which it passes; None: none does."""
    passed = _asked(history, question)
    declared = [one for name, one in CONTROLS.items() if name in question.broken_by]
    for control in [*declared, *CONTROLS.values()] if controls is None else controls:
        _try(history, control, [passed])
    return passed.red


def _asked(history: History, question: Question) -> _Passed:
    _, reads = history.read_by(lambda same: question.alone(same, measure_on_demand(same)))
    return _Passed(question, reads)


def _try_declared(history: History, passed: Iterable[_Passed]) -> None:
    every = list(passed)
    for name, control in CONTROLS.items():
        _try(history, control, [one for one in every if name in one.question.broken_by])


def _try_all(history: History, passed: Iterable[_Passed]) -> None:
    every = list(passed)
    left = MOST_EVENTS
    for control in CONTROLS.values():
        if left > 0:
            left -= _try(history, control, [one for one in every if control.name not in one.tried])


def _try(history: History, control: Control, passed: Sequence[_Passed]) -> int:
    """Try one control on the questions that are not red yet; return the events of all changed histories."""
    wanted = [one for one in passed if one.red is None and _concerns(control, one.reads)]
    events = 0
    if not wanted:
        return events
    for one in wanted:
        one.tried.add(control.name)
    for altered in _alterations(history, control):
        waiting = [one for one in wanted if one.red is None]
        if not waiting:
            break
        asked = [one for one in waiting if one.depends_on(altered.history.changed)]
        events += altered.history.count if asked else 0
        for one in asked:
            one.judge(control, altered)
    return events


def _alterations(history: History, control: Control) -> Iterator[Altered]:
    """Yield what a control makes of a history, up to an error in it: one that raises shows nothing."""
    try:
        yield from control.alter(history)
    except Exception:
        return


def _concerns(control: Control, reads: Reads) -> bool:
    """Whether a control may change what was read: a kind of events, or a journal, which may have any."""
    kinds: frozenset[type[Event] | str] = frozenset(control.kinds)
    return not kinds or not kinds.isdisjoint(reads) or any(isinstance(one, str) for one in reads)


def _shown(found: Finding, passed: _Passed | None) -> Finding:
    if passed is None:
        return found
    if passed.red is not None:
        return replace(found, red=passed.red)
    because = (
        f"no change of this history makes it fail ({len(passed.tried)} controls were tried), so its PASS "
        f"shows nothing. {found.because}"
    )
    return replace(found, status=Status.unknown, because=because)
