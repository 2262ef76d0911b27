"""A system that fails by a rule on the faults of its plan, in the place of containers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from driver.checks.finding import failed, passed, unknown
from driver.errors import LabError
from driver.histories.history import History
from driver.judging.verdict import judge
from driver.metrics import measure
from driver.results.judged_run import JudgedRun
from driver.results.run_folder import PLAN, SCENARIO, RunRecord, save_start, save_verdict
from driver.runs.run_request import RunRequest
from driver.scenarios.plan import PlannedFault
from driver.scenarios.scenario_file import ScenarioFile, parse_scenario
from driver.search.schedule_plan import space_of
from driver.search.search_file import SearchFolder, SearchSettings
from driver.search.search_run import Search, Trialist

CHECKS = ("traffic_flowed", "faults_were_proved", "no_process_died")
SETTINGS = SearchSettings(scenario="small", seed=1, budget_s=100.0, length_s=6.0, settle_s=10.0, repeat=2)
Rule = Callable[[tuple[PlannedFault, ...], int], str]
"""Returns the sentence of a failure of `no_process_died` in the run of that number, "" without one."""


def scenario() -> ScenarioFile:
    """Return a scenario of three workers."""
    return parse_scenario("# It holds.\nworkers: 3\nduration: 20s\nwarmup: 1s\nconverge: 30s\n", "small")


UNDECIDED = "?"
"""In the place of a sentence: the run shows nothing."""


class FakeSystem:
    """Implements `search_run.ScheduleSystem`. A run takes `takes_s` of `now_s`, a start 5 s more."""

    def __init__(self, rule: Rule, takes_s: float = 5.0) -> None:
        self._rule = rule
        self._takes_s = takes_s
        self._runs = 0
        self._up = False
        self.time_s = 0.0
        self.starts = 0
        self.starting_s = 0.0
        self.why_started: list[str] = []
        self.broken = 0
        self.requests: list[RunRequest] = []

    def now_s(self) -> float:
        return self.time_s

    def run(self, request: RunRequest) -> JudgedRun:
        if self.broken:
            self.broken -= 1
            self.time_s += 1.0
            raise LabError("The engine hung.")
        if not self._up:
            self._up, self.starts = True, self.starts + 1
            self.starting_s, self.time_s = self.starting_s + 5.0, self.time_s + 5.0
        self.time_s += self._takes_s
        self._runs += 1
        self.requests.append(request)
        because = self._rule(request.plan.faults, self._runs)
        last = failed(CHECKS[2], because) if because else passed(CHECKS[2], "none did")
        if because == UNDECIDED:
            last = unknown(CHECKS[2], "the machine was too busy")
        verdict = judge([*(passed(name, "well") for name in CHECKS[:2]), last])
        folder = request.results / f"20261130T000000Z-{self._runs}"
        record = RunRecord(
            run=folder.name, scenario="small", seed=1, clients=[], processes=[], duration_s=6.0
        )
        save_start(folder, record, request.scenario_yaml)
        (folder / PLAN).write_text(request.plan.to_json())
        assert (folder / SCENARIO).is_file()
        metrics = measure(History({}))
        save_verdict(folder, record, metrics, verdict)
        if because:
            self.end("it failed")
        return JudgedRun(folder, record, History({}), metrics, verdict)

    def end(self, because: str) -> None:
        if self._up:
            self.why_started.append(because)
        self._up = False


def search_of(folder: Path, system: FakeSystem, settings: SearchSettings = SETTINGS) -> Search:
    """Return a search on a fake system, in a folder that exists from then on."""
    loaded, kept = scenario(), SearchFolder(folder)
    kept.runs.mkdir(parents=True, exist_ok=True)
    kept.begin(settings)
    trials = Trialist(loaded, None, system, kept.runs, ())
    space = space_of(loaded, None, settings.length_s)
    return Search(settings, space, trials, kept, 30.0, lambda line: None, system.now_s)
