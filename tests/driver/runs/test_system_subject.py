"""Claims about a foreign system as the subject of a run, without starting it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from driver.runs.system_subject import SystemSubject
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.terminal import Terminal
from tests.driver.scenario.test_system_scenarios import HEAD, SYSTEM

DOOR = "sl-door-1"


def subject(timeline: str, folder: Path, more: str = "") -> SystemSubject:
    plan = resolve(parse_scenario(f"{HEAD}{more}timeline:\n{timeline}", "x"), 1, SYSTEM)
    made = SystemSubject(plan, folder, Terminal())
    made._start.site = SimpleNamespace(ended_by_faults=lambda: {DOOR})  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    ("fault", "ended"), [("kill", {DOOR, "db[1]"}), ("restart", {DOOR, "db[1]"}), ("pause", {DOOR})]
)
def test_a_heal_starts_the_containers_that_a_fault_may_have_ended_and_no_others(
    fault: str, ended: set[str], tmp_path: Path
) -> None:
    for_s = "" if fault == "restart" else ", for: 3s"
    assert subject(f"  - {{fault: {fault}, targets: db, at: 9s{for_s}}}", tmp_path).ended_by_faults() == ended


def test_loads_and_observations_leave_journals_of_their_own(tmp_path: Path) -> None:
    line = "  - {fault: pause, targets: db, at: 9s, for: 3s}"
    load = "workload: {http: GET http://api:80/, rate: 5/s}\n"
    read = "observe: {queue: {redis: 'redis://db:6379', command: [LLEN, q]}}\n"
    assert subject(line, tmp_path)._own_processes == []
    assert subject(line, tmp_path, load + read)._own_processes == ["load", "observer"]


def test_a_system_that_is_not_up_has_no_engine_to_collect_from(tmp_path: Path) -> None:
    made = subject("  - {fault: pause, targets: db, at: 9s, for: 3s}", tmp_path)
    made._start.site = None
    assert made.engine is None
