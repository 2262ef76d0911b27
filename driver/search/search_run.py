"""A search: draws schedules until its budget is used up, runs and judges each, and keeps what is new."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from chaos.targets import SERVER
from driver.errors import EngineGoneError, InterruptedCommandError, LabError
from driver.exit_codes import ExitCode
from driver.files import FileReadError, read_file
from driver.histories.run_timeline import run_timeline
from driver.judging.verdict import RunOutcome
from driver.report.write import write_reports
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import LOGS
from driver.runs.interruption import was_interrupted
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import PlannedSystem
from driver.scenarios.scenario_file import ScenarioFile
from driver.scenarios.scheduler import derived_seed
from driver.scenarios.yaml_file import FileError
from driver.search.corpus import Corpus
from driver.search.draw_schedule import draw
from driver.search.fault_space import FaultSpace
from driver.search.finding_key import FindingKey, failed_keys, kind_of_name
from driver.search.next_schedule import next_schedule
from driver.search.novelty import features_of
from driver.search.reductions import size_of
from driver.search.schedule import Schedule
from driver.search.schedule_plan import plan_of
from driver.search.search_file import (
    INTERRUPTED,
    ConfirmedFinding,
    JudgedSchedule,
    SearchFolder,
    SearchSettings,
)
from driver.search.shrink import Outcome
from driver.systems.compose_config import PREFIX
from driver.trial.log_patterns import LogPatterns, pattern

MOST_LOG_BYTES = 1 << 20
"""Of one container's log in one schedule, from which patterns are made."""
MOST_BROKEN = 3
"""Schedules in a row in which the lab broke, after which the search ends."""


class UselessScenarioError(LabError):
    """A scenario that fails, or shows nothing, without any fault: no search of it can show anything."""

    exit_code = ExitCode.INCONCLUSIVE


class ScheduleSystem(Protocol):
    """The system on which schedules run, one after the other."""

    starts: int
    starting_s: float
    why_started: list[str]

    def run(self, request: RunRequest) -> JudgedRun:
        """Run a plan and judge it. Raises LabError where the lab broke."""

    def end(self, because: str) -> None:
        """Take the system down, so that the next run gets a new start; repeating is safe. Raises LabError."""


@dataclass
class Trialist:
    """Runs schedules of one scenario on one system, each in a folder of its own in `folder`."""

    loaded: ScenarioFile
    system: PlannedSystem | None
    target: ScheduleSystem
    folder: Path
    argv: Sequence[str]

    @property
    def names(self) -> list[str]:
        """The names of what findings can be about."""
        if self.system is None:
            return [SERVER, *self.loaded.clients]
        services = self.system.services
        containers = [f"{name}[{n}]" for name, count in services.items() for n in range(1, count + 1)]
        return [*services, *containers, *self.system.links]

    def run(self, schedule: Schedule, settle_s: float, seed: int, *, report: bool = False) -> JudgedRun:
        """Run one schedule and judge it. Raises LabError, and FileError for one that has no plan."""
        plan, text = plan_of(self.loaded, schedule, settle_s, seed, self.system)
        return self.target.run(RunRequest(plan, text, self.folder, self.argv, report=report))

    def findings(self, judged: JudgedRun) -> list[FindingKey]:
        """Return the findings that failed."""
        return failed_keys(judged.verdict.findings, self.names)


@dataclass
class Search:
    """One search. `say` shows a line; `now_s` is the monotonic clock."""

    settings: SearchSettings
    space: FaultSpace
    trials: Trialist
    folder: SearchFolder
    settle_full_s: float
    say: Callable[[str], None]
    now_s: Callable[[], float] = time.monotonic
    corpus: Corpus[Schedule] = field(default_factory=Corpus)
    judged: list[JudgedSchedule] = field(default_factory=list)
    confirmed: list[ConfirmedFinding] = field(default_factory=list)
    ended: str = ""

    def __post_init__(self) -> None:
        self.drawn = self.space

    def resume(self) -> None:
        """Take up what a search that was interrupted has kept."""
        self.judged, self.confirmed = self.folder.lines()
        for one in self.judged:
            parent = next((e for e in self.corpus.entries if e.number == one.parent), None)
            if parent is not None:
                parent.picks += 1
            self._learn(one.number, one.schedule, one.features)
        self._narrow()

    def run(self) -> None:
        """Search until the budget is used up or the command is interrupted.

        Raises LabError where the scenario fails without any fault, and where the lab breaks again and again.
        """
        deadline_s = self.now_s() + self.settings.budget_s
        broken = 0
        number = max((one.number for one in self.judged), default=-1) + 1
        while self.now_s() + self._longest_s() < deadline_s:
            try:
                one, judged = self._one(number)
                if was_interrupted(judged):
                    raise InterruptedCommandError("Stopped.")
                self._keep(one, judged)
                if number == 0:
                    self._refuse_if_failing(one)
                    self._narrow()
                self._confirm_new(one, deadline_s)
            except (InterruptedCommandError, KeyboardInterrupt):
                self.ended = INTERRUPTED
                return
            except (EngineGoneError, UselessScenarioError):
                raise
            except LabError as error:
                broken += 1
                self.say(f"  not judged: {error.sentence}"[:500])
                if broken >= MOST_BROKEN:
                    raise
                # Without the one that has no faults, no other one shows anything.
                number += number > 0
                continue
            broken = 0
            number += 1
        self.ended = "the budget is used up"

    def _longest_s(self) -> float:
        """How long the next schedule may take: as long as the slowest of the last ones."""
        return max((sum(one.phases_s.values()) for one in self.judged[-20:]), default=0.0)

    def _one(self, number: int) -> tuple[JudgedSchedule, JudgedRun]:
        schedule, parent = self._schedule(number)
        seed = derived_seed(self.settings.seed, "schedule", str(number))
        began_s, starting_s = self.now_s(), self.trials.target.starting_s
        dirty = len(self.trials.target.why_started)
        judged = self.trials.run(schedule, self.settings.settle_s, seed)
        took_s = self.now_s() - began_s
        starting_s = self.trials.target.starting_s - starting_s
        phases = phases_of(judged)
        phases["start"] = starting_s
        phases["judge and the rest"] = max(0.0, took_s - sum(phases.values()))
        features = features_of(judged.history, judged.verdict.findings, log_patterns(judged.folder / LOGS))
        new = self._learn(number, schedule, features)
        why = self.trials.target.why_started[dirty:]
        return (
            JudgedSchedule(
                number=number,
                schedule=schedule,
                seed=seed,
                verdict=judged.verdict.verdict,
                because=judged.verdict.because,
                parent=parent,
                run=judged.folder.name,
                findings=self.trials.findings(judged),
                features=sorted(features),
                new=sorted(new),
                phases_s={name: round(each, 3) for name, each in phases.items()},
                why_dirty=why[-1] if why else "",
            ),
            judged,
        )

    def _narrow(self) -> None:
        """Draw the links alone that carried something in the run without faults, and anchors at a connection
        mostly on those that had a new one: on another link a fault meets nothing, or waits in vain.
        """
        carried = {
            link for one in self.judged[:1] for link in self.space.links
            if f"link|{kind_of_name(link)}|connected" in one.features
        }  # fmt: skip
        if carried:
            links = tuple(link for link in self.space.links if link in carried)
            features = self.judged[0].features
            dialled = tuple(link for link in links if f"dialled|{kind_of_name(link)}" in features)
            self.drawn = replace(self.space, links=links, dialled=dialled)

    def _learn(self, number: int, schedule: Schedule, features: Collection[str]) -> frozenset[str]:
        """Add what a schedule showed; the one without a fault has nothing to change."""
        if not schedule.faults:
            return self.corpus.learn(features)
        return self.corpus.add(number, schedule, features)

    def _schedule(self, number: int) -> tuple[Schedule, int | None]:
        if number == 0:
            return Schedule((), self.space.duration_s, self.space.clients), None
        if self.settings.plain:
            return draw(random.Random(f"{self.settings.seed}/{number}"), self.drawn), None
        for again in range(100):
            found = next_schedule(self.settings.seed + (again << 40), number, self.drawn, self.corpus)
            try:
                plan_of(self.trials.loaded, found[0], self.settings.settle_s, 1, self.trials.system)
            except FileError:
                continue
            return found
        raise LabError(
            f"No schedule {number} can be drawn that its scenario takes.", "Give a longer --length."
        )

    def _keep(self, one: JudgedSchedule, judged: JudgedRun) -> None:
        self.judged.append(one)
        self.folder.append(one)
        what = ", ".join(map(str, one.findings)) or one.verdict.word
        self.say(f"{one.number:4d}  {what}  {len(one.new)} new  {one.schedule.describe()}"[:300])
        if one.findings:
            write_reports(judged)

    def _refuse_if_failing(self, one: JudgedSchedule) -> None:
        if one.findings:
            raise UselessScenarioError(
                f"The scenario fails without any fault: {', '.join(map(str, one.findings))}.",
                f"See {self.folder.runs / one.run}. What a fault breaks is seen only in what works without.",
            )
        if one.verdict is RunOutcome.inconclusive and "traffic_flowed" in one.because:
            raise UselessScenarioError(
                f"Without any fault the scenario shows nothing: {one.because}.", "Give it a `workload:`."
            )

    def _confirm_new(self, one: JudgedSchedule, deadline_s: float) -> None:
        """Repeat a schedule that showed a finding first, on a system just started, with all its time."""
        known = {each.key for each in self.confirmed}
        for key in one.findings:
            if key in known or self.now_s() >= deadline_s:
                continue
            runs: list[str] = []
            outcome = Outcome()
            for turn in range(self.settings.repeat):
                self.trials.target.end("a finding is repeated on a new start")
                seed = derived_seed(one.seed, "confirm", str(turn))
                judged = self.trials.run(one.schedule, self.settle_full_s, seed, report=True)
                if was_interrupted(judged):
                    raise InterruptedCommandError("Stopped.")
                shown = any(key.covers(each) for each in self.trials.findings(judged))
                outcome += Outcome(int(shown), 1)
                runs.append(judged.folder.name)
            found = ConfirmedFinding(key=key, number=one.number, outcome=outcome, runs=runs)
            self.confirmed.append(found)
            self.folder.append(found)
            self.say(f"      {key}: again in {outcome} runs on a system just started")


def phases_of(judged: JudgedRun) -> dict[str, float]:
    """Return how long each phase of a run took, in seconds."""
    phases = judged.history.view(run_timeline).phases
    return {
        name: (one.ended_ns - one.began_ns) / 1e9 for name, one in phases.items() if one.ended_ns is not None
    }


def log_patterns(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the patterns of the errors in a run's logs, by container; none for a log that cannot be read."""
    found = {}
    for path in sorted(folder.glob("*.log")):
        if path.name.startswith(PREFIX):
            # The lab's own containers.
            continue
        try:
            text = read_file(path, MOST_LOG_BYTES).decode(errors="replace")
        except FileReadError:
            continue
        # Each line begins with its time.
        lines = [line.partition(" ")[2] for line in text.splitlines()]
        found[path.stem] = [pattern(one.line) for one in LogPatterns().news(path.stem, lines)]
    return found


def smallest_of(judged: Sequence[JudgedSchedule], key: FindingKey) -> JudgedSchedule:
    """Return the smallest schedule that showed a finding."""
    shown = [one for one in judged if any(key.covers(each) for each in one.findings)]
    return min(shown, key=lambda one: size_of(one.schedule))
