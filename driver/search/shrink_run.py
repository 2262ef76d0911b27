"""Makes the finding of a stored run small, on the system itself, and writes what is left as a scenario."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from driver.checks.finding import Status
from driver.errors import InterruptedCommandError, LabError, UsageError
from driver.exit_codes import ExitCode
from driver.files import write_file
from driver.results.run_folder import VerdictFile, read_verdict
from driver.runs.interruption import was_interrupted
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import resolved_yaml
from driver.scenarios.scheduler import derived_seed
from driver.search.finding_key import FindingKey, key_of
from driver.search.reductions import LEAST_LOAD
from driver.search.schedule import Schedule, describe_fault
from driver.search.schedule_plan import plan_of, scenario_of
from driver.search.search_file import INTERRUPTED
from driver.search.search_run import Trialist
from driver.search.shrink import Outcome, ReductionStep, is_kept, reduction

STEPS = "steps.jsonl"


class NotRepeatedError(LabError):
    """A finding that does not come back when its run is repeated: nothing smaller can be compared with it."""

    exit_code = ExitCode.INCONCLUSIVE


class ShrunkRun(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a reduction: what was there, what is left, how often each shows the finding, and why it
    ended. `again` is how often what is left shows it on a new start with all of the scenario's time.
    """

    run: str
    finding: FindingKey
    whole: Schedule
    whole_outcome: Outcome
    left: Schedule
    left_outcome: Outcome
    again: Outcome
    steps: int
    took_s: float
    ended: str

    def lines(self) -> list[str]:
        """Return what the terminal shows of it."""
        left, whole = self.left, self.whole
        lines = [
            f"{self.finding}: {len(whole.faults)} faults, {len(left.faults)} left, in {self.steps} steps and "
            f"{self.took_s:.0f} s; {self.ended}",
            f"shown by the whole of it in {self.whole_outcome} runs, by what is left in {self.left_outcome}",
            f"shown by what is left on a new start in {self.again}",
            *(f"  {describe_fault(one)}" for one in left.faults),
        ]
        return lines + [f"  left out: {text}" for text in left_out(whole, left)]


def left_out(whole: Schedule, left: Schedule) -> list[str]:
    """Return what of a schedule is not in what is left of it, in words."""
    kept = {(one.fault, one.targets) for one in left.faults}
    found = [describe_fault(one) for one in whole.faults if (one.fault, one.targets) not in kept]
    if left.duration_s < whole.duration_s:
        found.append(f"{whole.duration_s - left.duration_s:g} s of load")
    if left.load_share < whole.load_share:
        found.append(f"{100 * (1 - left.load_share / whole.load_share):.0f} % of its rate")
    if left.clients < whole.clients:
        found.append(f"{whole.clients - left.clients} clients")
    return found


def finding_of(folder: Path, wanted: str | None, names: list[str]) -> FindingKey:
    """Return the finding of a stored run: the first that failed, or the one that is `wanted`.

    Raises UsageError where the run has no verdict, or nothing in it failed.
    """
    verdict = read_verdict(folder)
    if verdict is None:
        raise UsageError(f"{folder} has no verdict.", "Judge it first: python lab.py judge")
    failing = _failing(verdict, names)
    chosen = [key for key in failing if wanted in (None, key.check, str(key))]
    if not chosen:
        what = ", ".join(map(str, failing)) or "none"
        raise UsageError(f"expected a finding that failed in {folder.name}; those are: {what}.")
    return chosen[0]


def _failing(verdict: VerdictFile, names: list[str]) -> list[FindingKey]:
    return [key_of(one, names) for one in verdict.findings if one.status is Status.failed]


@dataclass
class Shrink:
    """One reduction. `repeat` is how often each candidate is run at most; `say` shows a line."""

    run_folder: Path
    key: FindingKey
    whole: Schedule
    trials: Trialist
    folder: Path
    repeat: int
    budget_s: float
    settle_s: float
    settle_full_s: float
    seed: int
    from_s: float
    say: Callable[[str], None]
    now_s: Callable[[], float] = time.monotonic
    steps: list[ReductionStep] = field(default_factory=list)
    _runs: int = 0

    def run(self) -> ShrunkRun:
        """Reduce until nothing smaller shows the finding, the time is up, or the command is interrupted.

        Raises NotRepeatedError where the whole schedule does not show it in any of its tries.
        """
        began_s = self.now_s()
        deadline_s = began_s + self.budget_s
        whole = self.judge(self.whole, None)
        self.say(f"the whole of it shows it in {whole} runs")
        if not whole.shown:
            raise NotRepeatedError(
                f"{self.key} came back in {whole} runs of {self.run_folder.name}.",
                "A higher --repeat or --settle may show it again.",
            )
        best, outcome, ended = self.whole, whole, "nothing smaller shows it"
        has_load = bool(self.trials.loaded.scenario.workload)
        search = reduction(self.whole, self.from_s, least_load=LEAST_LOAD if has_load else 1.0)
        shown: bool | None = None
        try:
            while True:
                candidate = next(search) if shown is None else search.send(shown)
                if self.now_s() >= deadline_s:
                    ended = "the budget is used up"
                    break
                found = self.judge(candidate, whole)
                shown = is_kept(found, whole)
                if shown:
                    best, outcome = candidate, found
                self._keep(ReductionStep(candidate, found, shown))
        except StopIteration:
            pass
        except (InterruptedCommandError, KeyboardInterrupt):
            ended = INTERRUPTED
        again = Outcome()
        if ended != INTERRUPTED:
            again = self._again(best)
        return ShrunkRun(
            run=str(self.run_folder), finding=self.key, whole=self.whole, whole_outcome=whole, left=best,
            left_outcome=outcome, again=again, steps=len(self.steps),
            took_s=round(self.now_s() - began_s, 1), ended=ended,
        )  # fmt: skip

    def judge(self, schedule: Schedule, whole: Outcome | None) -> Outcome:
        """Run a schedule until it is decided whether it shows the finding, `repeat` times at most."""
        outcome = Outcome()
        while outcome.tries < self.repeat:
            outcome += self._one(schedule, self.settle_s)
            left = self.repeat - outcome.tries
            worst, best = outcome + Outcome(0, left), outcome + Outcome(left, left)
            if whole is not None and (is_kept(worst, whole) or not is_kept(best, whole)):
                break
        return outcome

    def _again(self, schedule: Schedule) -> Outcome:
        outcome = Outcome()
        for _ in range(max(1, self.repeat)):
            self.trials.target.end("what is left is run on a new start")
            outcome += self._one(schedule, self.settle_full_s, report=True)
        return outcome

    def _one(self, schedule: Schedule, settle_s: float, *, report: bool = False) -> Outcome:
        self._runs += 1
        seed = derived_seed(self.seed, "shrink", str(self._runs))
        judged = self.trials.run(schedule, settle_s, seed, report=report)
        if was_interrupted(judged):
            raise InterruptedCommandError("Stopped.")
        shown = any(self.key.covers(one) for one in self.trials.findings(judged))
        return Outcome(int(shown), 1)

    def _keep(self, step: ReductionStep) -> None:
        self.steps.append(step)
        with (self.folder / STEPS).open("ab") as file:
            file.write(msgspec.json.encode(step) + b"\n")
        word = "kept" if step.kept else "left"
        self.say(f"{len(self.steps):4d}  {step.outcome}  {word}  {step.schedule.describe()}"[:300])


def write_scenario(shrink: Shrink, result: ShrunkRun, path: Path) -> None:
    """Write what is left as a scenario whose first comment is the finding. Raises LabError."""
    loaded = scenario_of(shrink.trials.loaded, result.left, shrink.settle_full_s)
    teaches = (
        f"{result.finding} fails under what was left of {Path(result.run).name}.\n\n"
        f"It did in {result.again} runs on a new start."
    )
    # A plan is made first: a file that its own lab refuses would be no result.
    plan_of(shrink.trials.loaded, result.left, shrink.settle_full_s, 1, shrink.trials.system)
    scenario = loaded.scenario
    if isinstance(scenario, SystemScenario):
        start = scenario.system
        files = [str((loaded.folder / name).resolve()) for name in (start.file, *start.files)]
        anywhere = start.model_copy(update={"file": files[0], "files": files[1:]})
        scenario = scenario.model_copy(update={"system": anywhere})
    text = resolved_yaml(replace(loaded, scenario=scenario, teaches=teaches))
    write_file(path, text.encode())
