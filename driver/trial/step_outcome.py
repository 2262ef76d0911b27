"""Makes the outcome of a step, with its sentences, from what was observed during and after it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from chaos.actuator import name_list
from driver.histories.link_names import pair_of
from driver.trial.baseline import SystemBaseline
from driver.trial.log_patterns import LogNews
from driver.trial.picture import StepPicture, picture_of
from driver.trial.programme import TrialStep
from driver.trial.step_controls import StepControl
from driver.trial.step_evidence import StepEvidence, advice, changes, hit_links, stopped
from driver.trial.trial_records import UNRECORDED, TrialRecords

MOST_LOG_NEWS = 5
"""New errors of one step that an outcome keeps."""
BUSY_ATTEMPTS_PER_S = 5.0
"""A link that is dialled more often during a step, beyond what it is at rest, is dialled without a wait."""


class StepVerdict(StrEnum):
    """What a step has shown."""

    came_back = "came back"
    broke = "broke"
    inconclusive = "inconclusive"
    not_tried = "not tried"


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trial, from `began_s` until `until_s` of the trial's clock.

    `after_s` is the time from healing until everything was as before, None where something is not after
    `waited_s`. `broke` are short clauses, `advice` sentences. `cleaned` says what was restarted afterwards,
    `repeats` the step after which the same lasted, where this one was not waited for as long. Of a step that
    came back, `controls` show that each of its comparisons could have failed. `stopped` are links that it
    did not hit and that carried nothing meanwhile, since the client of those it hit waited.
    """

    step: TrialStep
    verdict: StepVerdict
    after_s: float | None = None
    waited_s: float = 0.0
    began_s: float = 0.0
    until_s: float = 0.0
    broke: Sequence[str] = ()
    advice: Sequence[str] = ()
    attempts: Mapping[str, int] = {}
    log_news: Sequence[LogNews] = ()
    proof: str = ""
    note: str = ""
    cleaned: str = ""
    repeats: str = ""
    picture: StepPicture | None = None
    controls: Sequence[StepControl] = ()
    stopped: Sequence[str] = ()

    @property
    def was_tried(self) -> bool:
        """Whether its fault began, and what followed was compared with the baseline."""
        return self.verdict in (StepVerdict.came_back, StepVerdict.broke)

    @property
    def came_back(self) -> str:
        """The last column of the table, short enough for one line: `in 0.4 s`, `never (20 s)`."""
        if self.verdict in (StepVerdict.inconclusive, StepVerdict.not_tried):
            return str(self.verdict)
        if self.after_s is None:
            return f"never ({self.waited_s:.0f} s)"
        return f"in {self.after_s:.1f} s"

    @property
    def stop_advice(self) -> str:
        """What to change where `stopped` has links."""
        client, _, server = self.step.target.partition("->")
        return (
            f"While {server} was silent, {client} stopped other work. Set a time limit on its calls to "
            f"{server}, and let it go on without an answer."
        )

    @property
    def what_broke(self) -> str:
        """The middle column of the table: what is not as before, or why nothing is known of it."""
        again = f", as after {self.repeats}" if self.repeats else ""
        return self.note or f"{'; '.join(self.broke)}{again}"


def not_tried(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that was left out."""
    return StepOutcome(step=step, verdict=StepVerdict.not_tried, note=why)


def inconclusive(step: TrialStep, why: str) -> StepOutcome:
    """Return the outcome of a step that shows nothing."""
    return StepOutcome(step=step, verdict=StepVerdict.inconclusive, note=why)


def outcome_of(seen: StepEvidence) -> StepOutcome:
    """Return the outcome of a step, if its fault is proved.

    A system that is not as before is a finding, and so is a container that ended and that its engine started
    again.
    """
    if seen.busy:
        # A link that carries less does so for the machine's reason, if for any.
        slower = seen.recovery
        seen = replace(seen, recovery=slower.without_slower_links())
        if seen.recovery.whole and not seen.recovery.restarted and not slower.whole:
            return inconclusive(seen.step, f"links carry less than before, and {seen.busy}")
    found = seen.recovery
    verdict = StepVerdict.came_back
    note = ""
    if not found.whole or found.restarted:
        verdict = StepVerdict.broke
    elif note := _unjudged(seen):
        verdict = StepVerdict.inconclusive
    return StepOutcome(
        step=seen.step,
        verdict=verdict,
        after_s=found.after_s,
        waited_s=seen.waited_s,
        repeats=seen.repeats,
        broke=list(changes(seen)),
        advice=list(dict.fromkeys(advice(seen))),
        began_s=seen.began_s,
        until_s=seen.until_s,
        log_news=list(seen.log_news[:MOST_LOG_NEWS]),
        note=note,
        stopped=stopped(seen),
    )


def with_controls(outcome: StepOutcome, controls: Sequence[StepControl]) -> StepOutcome:
    """Return the outcome of a step that came back, with its controls; inconclusive where one of its
    comparisons did not count as broken after its change.
    """
    if outcome.verdict is not StepVerdict.came_back:
        return outcome
    outcome = replace(outcome, controls=list(controls))
    if blind := [str(one) for one in controls if not one.broke]:
        note = f"it would have come back whatever was observed: {name_list(blind)}"
        return replace(outcome, verdict=StepVerdict.inconclusive, note=note)
    return outcome


def _unjudged(seen: StepEvidence) -> str:
    """Why nothing is known of what the fault hit; "" where a link of it was compared, or it has none."""
    if not seen.met:
        return "no connection was open when it hit, nor when it hit again"
    links = [name for name in hit_links(seen.step, seen.baseline.links) if seen.baseline.links[name].carries]
    if not links or any(name in seen.recovery.links for name in links):
        return ""
    return "no link that it hit carries often enough, or still has a client, to be compared"


def with_records(outcome: StepOutcome, baseline: SystemBaseline, records: TrialRecords) -> StepOutcome:
    """Return an outcome with the proof of its fault, how often each link was dialled, and connections that
    one side alone still has.

    A fault that is not proved shows nothing, whatever was seen.
    """
    if not outcome.was_tried:
        return outcome
    attempts = records.attempts(outcome.began_s, outcome.until_s)
    busy = _busy(attempts, baseline, outcome.until_s - outcome.began_s)
    # Without its number, and one for all replicas, since findings with the same advice are one group.
    pairs = dict.fromkeys(map(pair_of, busy))
    calmer = [f"{one} is dialled too often: let it wait after each failure." for one in pairs]
    proof = records.proofs.get(outcome.step.name, UNRECORDED)
    often = [f"{name} is dialled {rate:.0f} times a second" for name, rate in busy.items()]
    broke = [*outcome.broke, *often, *records.one_sided(outcome.began_s, outcome.until_s)]
    outcome = replace(
        outcome,
        attempts=attempts,
        broke=broke,
        advice=[*outcome.advice, *calmer],
        proof=proof.sentence,
        note=records.gap or outcome.note,
        picture=_picture(outcome, baseline, records),
    )
    if proof.proved:
        return outcome
    note = f"the fault is not proved: {proof.sentence}"
    return replace(outcome, verdict=StepVerdict.inconclusive, note=note)


def _picture(outcome: StepOutcome, baseline: SystemBaseline, records: TrialRecords) -> StepPicture | None:
    """Return the links around a fault that broke something: first those that it hit."""
    window = records.windows.get(outcome.step.name)
    if outcome.verdict is not StepVerdict.broke or window is None:
        return None
    return picture_of(records.lanes, window, outcome.until_s, hit_links(outcome.step, baseline.links))


def _busy(attempts: Mapping[str, int], baseline: SystemBaseline, length_s: float) -> dict[str, float]:
    """Return how often a second links were dialled, of those with much more than at rest."""
    found = {}
    for name, count in attempts.items():
        usual = baseline.links[name].opened_per_s if name in baseline.links else 0.0
        rate = count / max(1.0, length_s)
        if rate > BUSY_ATTEMPTS_PER_S + 2 * usual:
            found[name] = rate
    return found
