"""Conducts a trial: watches a system at rest, then hurts one thing at a time, heals it, and compares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from msgspec.structs import replace

from driver.errors import LabError
from driver.systems.system import OUTSIDE
from driver.trial.baseline import SystemBaseline, baseline_of
from driver.trial.lasting_states import LastingStates, StateWatch
from driver.trial.log_patterns import LogPatterns
from driver.trial.programme import NothingToHitError, TrialStep, least_s
from driver.trial.recovery import SystemRecovery, recovery
from driver.trial.samples import SystemSample, is_hit
from driver.trial.step_controls import StepControl, controls_of
from driver.trial.step_evidence import StepEvidence, touched
from driver.trial.step_outcome import (
    StepOutcome,
    inconclusive,
    not_tried,
    outcome_of,
    with_controls,
    with_records,
)
from driver.trial.targets import settle_s, why_not_tried
from driver.trial.trial_records import TrialRecords

_CLEAN_WAIT_S = 20.0
_HALF_CLOSED_S = 1.0
_HIT_TRIES = 2
_SHOWN = 4


class TrialSubject(Protocol):
    """A system that can be hurt. Every call is bounded in time, and raises LabError where it fails."""

    def look(self) -> SystemSample:
        """Return what is observed now."""

    def begin(self, step: TrialStep) -> None:
        """Inject a fault, and return once it is in effect. An instantaneous one is over then.

        Raises NothingToHitError, before anything is done, where nothing is there that the step hits.
        """

    def end(self, step: TrialStep) -> None:
        """Heal a fault. Repeating is safe."""

    def connections_hit(self) -> int:
        """Return how many live connections of clients the last fault on links met, after its end."""

    def busy(self, since_s: float) -> str:
        """Return why the machine was too busy since a time to work as at rest; "" where it was not."""

    def records(self) -> TrialRecords:
        """Return the proof of each step that began, and when the links were dialled."""

    def log_lines(self) -> Mapping[str, Sequence[str]]:
        """Return what each container has printed since the last call, bounded."""

    def half_closed(self) -> Mapping[str, frozenset[str]]:
        """Return the connections that each container holds and the other side has closed, by name."""

    def restart(self, containers: Sequence[str]) -> None:
        """Restart containers; those that have ended are started."""

    def start_again(self) -> None:
        """Take the whole system down, and start it with fresh volumes."""


class TrialClock(Protocol):
    """Monotonic time."""

    def now_s(self) -> float:
        """Return the time."""

    def sleep_s(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True)
class TrialLimits:
    """How long the system at rest is watched, how long a step waits for it to come back, and when all ends.

    `deadline_s` is a time of the trial's clock.
    """

    deadline_s: float
    watch_s: float = 20.0
    wait_s: float = 30.0
    poll_s: float = 0.25


@dataclass
class TrialResult:
    """What a trial has found so far. `ended` says why it ended early, "" where it did not."""

    baseline: SystemBaseline | None = None
    outcomes: list[StepOutcome] = field(default_factory=list)
    ended: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class _Waited:
    """What is back after a wait of `waited_s`. `repeats` is the step whose lasting state this is again."""

    found: SystemRecovery
    waited_s: float
    repeats: str = ""
    controls: Sequence[StepControl] = ()


class Conductor:
    """One trial of one subject. `say` gets a line of progress, `on_outcome` each outcome."""

    def __init__(
        self,
        subject: TrialSubject,
        clock: TrialClock,
        limits: TrialLimits,
        say: Callable[[str], None],
        on_outcome: Callable[[StepOutcome], None],
    ) -> None:
        self._subject = subject
        self._clock = clock
        self._limits = limits
        self._say = say
        self._on_outcome = on_outcome
        self._patterns = LogPatterns()
        self._half_closed: Mapping[str, frozenset[str]] = {}
        self._finished: Sequence[str] = ()
        self._next_s = 0.0
        self._lasting = LastingStates()

    def watch(self) -> SystemBaseline:
        """Watch the system at rest for `watch_s`; return its baseline."""
        samples = [self._subject.look()]
        until_s = self._clock.now_s() + self._limits.watch_s
        while self._clock.now_s() < until_s:
            self._clock.sleep_s(self._limits.poll_s)
            samples.append(self._subject.look())
        for container, lines in self._subject.log_lines().items():
            self._patterns.learn(container, lines)
        self._half_closed = self._subject.half_closed()
        return baseline_of(samples)

    def try_steps(self, baseline: SystemBaseline, steps: Sequence[TrialStep], result: TrialResult) -> None:
        """Try the steps in their order, and add the outcome of each to `result`, at the end with its proof.

        Steps for which no time is left are outcomes too. What is raised is raised after the fault that is on
        has ended; `result` then has what was found before.
        """
        records = TrialRecords()
        try:
            try:
                self._try_each(baseline, steps, result)
            finally:
                records = self._subject.records()
        finally:
            result.outcomes = [with_records(one, baseline, records) for one in result.outcomes]

    def _try_each(self, baseline: SystemBaseline, steps: Sequence[TrialStep], result: TrialResult) -> None:
        wait_s = settle_s(baseline)
        for number, step in enumerate(steps, start=1):
            # A clean system is for the steps that follow, where there is time for one.
            self._next_s = min((least_s(one, wait_s) for one in steps[number:]), default=math.inf)
            if result.ended:
                self._add(result, not_tried(step, result.ended))
            elif step.hits_links and (why := why_not_tried(step.target, baseline)):
                self._add(result, not_tried(step, why))
            elif self._left_s() < least_s(step, wait_s):
                self._add(result, not_tried(step, "no time was left"))
            elif not step.hits_links and self._has_finished(step, baseline):
                self._add(result, not_tried(step, f"{step.target} ended with 0 before: its work is done"))
            else:
                self._try(baseline, step, result)

    def _has_finished(self, step: TrialStep, baseline: SystemBaseline) -> bool:
        hit = [name for name in baseline.containers if is_hit(name, step.target)]
        return bool(hit) and set(hit) <= set(self._finished)

    def _try(self, baseline: SystemBaseline, step: TrialStep, result: TrialResult) -> None:
        samples = [self._subject.look()]
        began_s = self._clock.now_s()
        try:
            met = self._hit(step, samples)
        except NothingToHitError as error:
            self._add(result, not_tried(step, error.sentence))
            return
        except LabError as error:
            self._subject.end(step)
            self._add(result, inconclusive(step, error.sentence))
            self._clean(baseline, None, result)
            return
        except BaseException:
            with suppress(LabError):
                self._subject.end(step)
            raise
        self._subject.end(step)
        renewed = step.target if not step.hits_links and step.kind.fault != "pause" else ""
        watch = StateWatch(self._lasting)
        waited = self._wait(baseline, samples, began_s, renewed, touched(step, baseline), watch)
        outcome = with_controls(self._outcome(baseline, step, waited, began_s, met), waited.controls)
        if waited.found.whole:
            self._add(result, outcome)
            return
        if waited.waited_s < self._limits.wait_s and not waited.repeats:
            why = f"time ran out {waited.waited_s:.0f} s after healing, and not everything was as before"
            self._add(result, inconclusive(step, why))
            result.ended = "no time was left"
            return
        if outcome.was_tried:
            self._lasting.add(waited.found, step.name)
        self._add(result, outcome)
        self._clean(baseline, waited.found, result)

    def _hit(self, step: TrialStep, samples: list[SystemSample]) -> bool:
        """Hold a fault. An instantaneous one on links that meets no connection is repeated once.

        Return whether there was something for it to meet.
        """
        for _ in range(_HIT_TRIES):
            self._subject.begin(step)
            self._hold(step, samples)
            if step.kind.lasting or not step.hits_links:
                return True
            self._subject.end(step)
            if self._subject.connections_hit():
                return True
        return False

    def _hold(self, step: TrialStep, samples: list[SystemSample]) -> None:
        """Look while a fault lasts; an instantaneous one is over."""
        until_s = self._clock.now_s() + step.kind.for_s
        while self._clock.now_s() < until_s:
            self._clock.sleep_s(min(self._limits.poll_s, until_s - self._clock.now_s()))
            samples.append(self._subject.look())

    def _wait(
        self,
        baseline: SystemBaseline,
        samples: list[SystemSample],
        began_s: float,
        renewed: str = "",
        touched: Sequence[str] = (),
        watch: StateWatch | None = None,
        wait_s: float | None = None,
    ) -> _Waited:
        """Wait until everything is as before, or in a state that lasted after an earlier step."""
        healed_s = self._clock.now_s()
        limit_s = min(self._limits.wait_s if wait_s is None else wait_s, max(0.0, self._left_s()))
        finished = self._finished

        def compare(observed: Sequence[SystemSample]) -> SystemRecovery:
            return recovery(baseline, observed, began_s, healed_s, renewed, touched, finished)

        while True:
            samples.append(self._subject.look())
            found = compare(samples)
            waited_s = self._clock.now_s() - healed_s
            repeats = watch.recognised(found, self._clock.now_s()) if watch and not found.whole else ""
            if found.whole or waited_s >= limit_s or repeats:
                self._finished = found.finished
                controls = controls_of(compare, baseline, samples, healed_s) if found.whole else []
                return _Waited(found, waited_s, repeats, controls)
            self._clock.sleep_s(self._limits.poll_s)

    def _outcome(
        self,
        baseline: SystemBaseline,
        step: TrialStep,
        waited: _Waited,
        began_s: float,
        met: bool,
    ) -> StepOutcome:
        news = [
            one
            for container, lines in sorted(self._subject.log_lines().items())
            for one in self._patterns.news(container, lines)
        ]
        return outcome_of(
            StepEvidence(
                step=step,
                baseline=baseline,
                recovery=waited.found,
                waited_s=waited.waited_s,
                repeats=waited.repeats,
                busy="" if waited.found.whole else self._subject.busy(began_s),
                began_s=began_s,
                until_s=self._clock.now_s(),
                met=met,
                log_news=news,
                half_open=self._half_open(),
            )
        )

    def _half_open(self) -> dict[str, int]:
        """Connections that stay half closed and were not before: each is seen twice, since one may be
        closing.
        """
        if not (first := self._more_half_closed()):
            return {}
        self._clock.sleep_s(_HALF_CLOSED_S)
        second = self._more_half_closed()
        stay = {name: some & second.get(name, frozenset()) for name, some in first.items()}
        # Each is of one step alone.
        before = self._half_closed
        self._half_closed = {**before, **{name: before.get(name, frozenset()) | stay[name] for name in stay}}
        return {name: len(some) for name, some in stay.items() if some}

    def _more_half_closed(self) -> dict[str, frozenset[str]]:
        now = self._subject.half_closed()
        more = {name: some - self._half_closed.get(name, frozenset()) for name, some in now.items()}
        return {name: some for name, some in more.items() if some}

    # -- a clean system for the next step ------------------------------------------------------------------

    def _clean(self, baseline: SystemBaseline, found: SystemRecovery | None, result: TrialResult) -> None:
        """Bring the system back as it was before: restart what is broken, else the whole.

        Nothing is done where no further step fits into the time that is left.
        """
        if self._left_s() < self._next_s:
            return
        names = _broken(found) if found else []
        if names:
            self._note(result, f"restarted {', '.join(names[:_SHOWN])}")
            self._subject.restart(names)
            if self._is_back(baseline, _CLEAN_WAIT_S):
                return
        elif found is None and self._is_back(baseline, self._limits.wait_s):
            return
        if self._left_s() <= 0:
            result.ended = "no time was left"
            return
        self._note(result, "started the whole system again")
        self._subject.start_again()
        if not self._is_back(baseline, self._limits.wait_s):
            result.ended = "the system did not come back after a fresh start"

    def _is_back(self, baseline: SystemBaseline, wait_s: float) -> bool:
        back = self._wait(baseline, [self._subject.look()], self._clock.now_s(), wait_s=wait_s).found.whole
        self._subject.log_lines()
        self._half_closed = self._subject.half_closed()
        return back

    def _note(self, result: TrialResult, what: str) -> None:
        last = result.outcomes[-1]
        cleaned = f"{last.cleaned}, then {what}" if last.cleaned else what
        result.outcomes[-1] = replace(last, cleaned=cleaned)
        self._say(f"{' ' * 8}For a clean next step: {what}.")

    def _add(self, result: TrialResult, outcome: StepOutcome) -> None:
        result.outcomes.append(outcome)
        self._on_outcome(outcome)

    def _left_s(self) -> float:
        return self._limits.deadline_s - self._clock.now_s()


def _broken(found: SystemRecovery) -> list[str]:
    """Containers to restart: those that are not as before, and the clients of links without traffic."""
    clients = [name.partition("->")[0] for name in found.dead_links()]
    return list(dict.fromkeys([*found.troubles, *(one for one in clients if one != OUTSIDE)]))
