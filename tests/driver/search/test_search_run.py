"""Claims about a search: what it keeps, confirms, resumes and refuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from driver.errors import LabError, UsageError
from driver.exit_codes import ExitCode
from driver.scenarios.plan import PlannedFault
from driver.search.search_file import INTERRUPTED, SCHEDULES, SearchFolder
from driver.search.search_report import as_html, report_of, write_search_report
from driver.search.search_run import MOST_BROKEN, UselessScenarioError
from tests.driver.search.fake_system import SETTINGS, UNDECIDED, FakeSystem, Rule, search_of

DIED = "worker-2 ended with exit code 1"


def well(faults: tuple[PlannedFault, ...], run: int) -> str:
    return ""


def killed(faults: tuple[PlannedFault, ...], run: int) -> str:
    """A kill of any container ends worker-2."""
    return DIED if any(one.fault == "kill" for one in faults) else ""


def test_a_search_ends_with_its_budget_and_keeps_every_schedule(tmp_path: Path) -> None:
    system = FakeSystem(well)
    search = search_of(tmp_path, system)
    search.run()
    assert search.ended == "the budget is used up"
    assert 10 < len(search.judged) <= 20
    assert system.time_s <= SETTINGS.budget_s
    assert [one.number for one in search.judged] == list(range(len(search.judged)))
    assert SearchFolder(tmp_path).lines()[0] == search.judged


def test_the_first_schedule_has_no_fault_and_the_others_have(tmp_path: Path) -> None:
    system = FakeSystem(well)
    search_of(tmp_path, system).run()
    assert [bool(one.plan.faults) for one in system.requests] == [False] + [True] * (len(system.requests) - 1)


def test_a_scenario_that_fails_without_a_fault_is_refused(tmp_path: Path) -> None:
    search = search_of(tmp_path, FakeSystem(lambda faults, run: DIED))
    with pytest.raises(UselessScenarioError, match="fails without any fault: no_process_died"):
        search.run()
    assert len(search.judged) == 1


def test_a_finding_is_repeated_on_a_new_start_with_the_time_of_its_scenario(tmp_path: Path) -> None:
    system = FakeSystem(killed)
    search = search_of(tmp_path, system, msgspec.structs.replace(SETTINGS, budget_s=600.0))
    search.run()
    (found,) = search.confirmed
    assert str(found.outcome) == "2 of 2"
    assert str(found.key) == "no_process_died (worker)"
    assert sum(one.plan.converge_s == 30.0 for one in system.requests) == 2
    assert system.why_started.count("it failed") >= 3


def test_a_finding_that_does_not_come_back_is_said_with_its_count(tmp_path: Path) -> None:
    seen: list[int] = []

    def once(faults: tuple[PlannedFault, ...], run: int) -> str:
        if killed(faults, run):
            seen.append(run)
        return DIED if seen == [run] else ""

    search = search_of(tmp_path, FakeSystem(once), msgspec.structs.replace(SETTINGS, budget_s=600.0))
    search.run()
    assert [str(one.outcome) for one in search.confirmed] == ["0 of 2"]
    assert "again in 0 of 2" in "\n".join(report_of(search).lines())


@pytest.mark.parametrize(
    ("rule", "budget_s", "code"),
    [
        (well, 100.0, ExitCode.PASSED),
        (killed, 600.0, ExitCode.FAILED),
        (lambda faults, run: UNDECIDED if faults else "", 100.0, ExitCode.INCONCLUSIVE),
        (lambda faults, run: UNDECIDED if run != 3 else "", 100.0, ExitCode.PASSED),
        (well, 12.0, ExitCode.INCONCLUSIVE),
    ],
    ids=["all pass", "a finding", "none decided", "one decided", "none tried"],
)
def test_a_search_passes_where_a_schedule_with_a_fault_passed(
    rule: Rule, budget_s: float, code: ExitCode, tmp_path: Path
) -> None:
    search = search_of(tmp_path, FakeSystem(rule), msgspec.structs.replace(SETTINGS, budget_s=budget_s))
    search.run()
    assert report_of(search).exit_code == code


def test_a_search_that_was_interrupted_does_not_pass(tmp_path: Path) -> None:
    search = search_of(tmp_path, FakeSystem(well))
    search.run()
    search.ended = INTERRUPTED
    assert report_of(search).exit_code == ExitCode.INCONCLUSIVE


def test_the_same_seed_runs_the_same_schedules(tmp_path: Path) -> None:
    one, other = (search_of(tmp_path / name, FakeSystem(killed)) for name in "ab")
    one.run()
    other.run()
    assert [each.schedule for each in one.judged] == [each.schedule for each in other.judged]


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = search_of(
        tmp_path / "whole", FakeSystem(killed), msgspec.structs.replace(SETTINGS, budget_s=300.0)
    )
    whole.run()

    def interrupted(faults: tuple[PlannedFault, ...], run: int) -> str:
        if run == 9:
            raise KeyboardInterrupt
        return killed(faults, run)

    begun = search_of(tmp_path / "parts", FakeSystem(interrupted))
    begun.run()
    assert begun.ended == "interrupted"
    with (tmp_path / "parts" / SCHEDULES).open("ab") as file:
        file.write(b'{"schedule":{"number":')
    rest = search_of(tmp_path / "parts", FakeSystem(killed))
    rest.resume()
    assert len(rest.judged) == len(begun.judged) > 3
    rest.run()
    both = min(len(whole.judged), len(rest.judged))
    assert both > len(begun.judged) + 3
    assert [one.schedule for one in rest.judged[:both]] == [one.schedule for one in whole.judged[:both]]


def test_a_folder_that_is_none_of_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of a search"):
        SearchFolder(tmp_path).settings()


def test_a_damaged_line_is_refused_with_its_number(tmp_path: Path) -> None:
    (tmp_path / SCHEDULES).write_bytes(b'{"schedule":7}\n')
    with pytest.raises(UsageError, match=r"schedules.jsonl:1 is damaged"):
        SearchFolder(tmp_path).lines()


def test_a_lab_that_breaks_again_and_again_ends_the_search(tmp_path: Path) -> None:
    system = FakeSystem(well)
    system.broken = MOST_BROKEN
    with pytest.raises(LabError, match="The engine hung"):
        search_of(tmp_path, system).run()


def test_a_lab_that_breaks_once_does_not(tmp_path: Path) -> None:
    system = FakeSystem(well)
    system.broken = 1
    search = search_of(tmp_path, system)
    search.run()
    assert search.judged[0].schedule.faults == ()
    assert len(search.judged) > 10


def test_the_report_says_what_was_covered_and_where_the_time_went(tmp_path: Path) -> None:
    search = search_of(tmp_path, FakeSystem(killed), msgspec.structs.replace(SETTINGS, budget_s=600.0))
    search.run()
    report = report_of(search)
    write_search_report(report, tmp_path)
    (finding,) = report.findings
    smallest = search.judged[finding.smallest]
    assert len(smallest.schedule.faults) == min(
        len(one.schedule.faults) for one in search.judged if one.findings
    )
    assert finding.command.endswith("--finding no_process_died")
    assert report.phases_s["start"] > 0
    assert len(report.coverage.faults) + len(report.coverage.faults_left) == len(search.space.pairs)
    html = as_html(report)
    assert "no_process_died (worker)" in html
    assert "never reached" in html
    assert "the search is over" not in report.why_started


def test_a_text_from_the_system_is_escaped(tmp_path: Path) -> None:
    def script(faults: tuple[PlannedFault, ...], run: int) -> str:
        return "<script>alert(1)</script>" if killed(faults, run) else ""

    search = search_of(tmp_path, FakeSystem(script), msgspec.structs.replace(SETTINGS, budget_s=600.0))
    search.run()
    assert search.confirmed
    assert "<script>" not in as_html(report_of(search))
