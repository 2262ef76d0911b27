"""Claims about scenarios of a foreign system: what they may say, and what their targets become."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.scenarios.plan import Plan, PlannedSystem
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario import SystemScenario
from driver.scenarios.scenario_file import Overrides, load_scenario, parse_scenario, resolved_yaml
from driver.scenarios.yaml_file import FileError

HEAD = "# All is well.\nsystem: compose.yaml\nduration: 60s\n"
SYSTEM = PlannedSystem(
    name="shop",
    files=("/shop/compose.yaml",),
    services={"api": 3, "db": 1},
    links=("api[1]->db:5432", "api[2]->db:5432", "api[3]->db:5432", "outside->api:80"),
)


def plan(timeline: str, seed: int = 1, more: str = "") -> Plan:
    return resolve(parse_scenario(f"{HEAD}{more}timeline:\n{timeline}", "x"), seed, SYSTEM)


def refusal(text: str) -> FileError:
    with pytest.raises(FileError) as caught:
        parse_scenario(text, "x")
    return caught.value


@pytest.mark.parametrize(
    ("targets", "hit"),
    [
        ("api[1,3]->db", ("api[1]->db:5432", "api[3]->db:5432")),
        ("*->db", SYSTEM.links[:3]),
        ("outside->api", ("outside->api:80",)),
        ("some", ("api[2]->db:5432",)),
    ],
)
def test_a_fault_on_links_hits_the_links_of_a_pair(targets: str, hit: tuple[str, ...]) -> None:
    found = plan(
        f"  - {{fault: refuse, targets: '{targets}', at: 9s, for: 3s}}", more="groups: {some: 'api[2]->db'}\n"
    )
    assert found.faults[0].targets == hit


def test_a_fault_on_containers_hits_the_containers_of_a_service() -> None:
    assert plan("  - {fault: pause, targets: db, at: 9s, for: 3s}").faults[0].targets == ("db[1]",)


def test_a_share_of_links_is_drawn_by_the_seed() -> None:
    line = "  - {fault: refuse, targets: 34% of api->db, at: 9s, for: 3s}"
    drawn = {plan(line, seed).faults[0].targets for seed in range(30)}
    assert plan(line, 7) == plan(line, 7)
    assert drawn == {(name,) for name in SYSTEM.links[:3]}


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("api->cache", "there is no service 'cache'"),
        ("db->api", "names no link. There are: "),
        ("db", "expected a link like"),
        ("api[4]->db", "names replica 4; api has 3 replicas"),
    ],
)
def test_a_link_that_is_not_there_is_refused_with_its_key_and_line(targets: str, message: str) -> None:
    with pytest.raises(FileError, match=r"timeline\[0\]\.targets") as caught:
        plan(f"  - fault: refuse\n    targets: {targets}\n    at: 9s\n    for: 3s")
    assert (caught.value.line, message in caught.value.problem) == (6, True)


def test_workers_and_a_system_of_ones_own_are_refused_together() -> None:
    error = refusal(f"{HEAD}workers: 3\n")
    assert (error.line, error.path) == (4, ("workers",))
    assert "of the reference system, and this scenario has a `system:`" in error.problem


def test_what_is_observed_needs_a_system_of_ones_own() -> None:
    error = refusal("# All is well.\nworkers: 3\nduration: 60s\nobserve: {}\n")
    assert (error.line, error.path) == (4, ("observe",))
    assert "give its Compose file with `system:`" in error.problem


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("nothing_lost", "judges the reference system, not one of your own"),
        ("task_success_rate >= 95%", "measured of the reference system"),
        ("traffic_flowed: {tasks: 3}", "'tasks' is no parameter of traffic_flowed"),
        ("'within 5s of heal: completed_per_s > 1/s'", "is no signal over time"),
    ],
)
def test_what_only_the_reference_system_has_is_no_expectation(expected: str, message: str) -> None:
    error = refusal(f"{HEAD}timeline: [{{fault: cut, targets: all, at: 9s}}]\nexpect:\n  - {expected}\n")
    assert (error.line, error.path) == (6, ("expect", 0))
    assert message in error.problem


def test_checks_of_links_are_expectations() -> None:
    text = f"{HEAD}expect: [reconnection_time_p99 <= 5s, no_process_died, memory_container_max <= 1GB]\n"
    assert len(parse_scenario(text, "x").scenario.expect) == 3


def test_only_what_is_observed_ends_a_run_early() -> None:
    text = (
        f"{HEAD}observe: {{queue: {{redis: 'redis://redis:6379'}}}}\nabort_when: ['queue > 1000 for 10s']\n"
    )
    assert parse_scenario(text, "x").scenario.abort_when == ["queue > 1000 for 10s"]
    assert "'connected' is not observed" in refusal(f"{HEAD}abort_when: ['connected < 10% for 5s']\n").problem


def test_the_command_line_may_give_the_system() -> None:
    text = "# All is well.\nduration: 60s\n"
    scenario = parse_scenario(text, "x", Overrides(system={"file": "/a/compose.yaml"})).scenario
    assert isinstance(scenario, SystemScenario)
    assert scenario.system.file == "/a/compose.yaml"


def test_how_a_system_is_started_is_stored_with_the_scenario() -> None:
    text = HEAD.replace("compose.yaml", "{file: compose.yaml, listens: {db: [5432]}, profiles: [dev]}")
    stored = parse_scenario(resolved_yaml(parse_scenario(text, "x")), "x").scenario
    assert isinstance(stored, SystemScenario)
    assert (stored.system.listens, stored.system.profiles) == ({"db": [5432]}, ["dev"])


def test_a_plan_is_read_again_as_it_was_written() -> None:
    found = plan("  - {fault: pause, targets: db, at: 9s, for: 3s}")
    assert Plan.model_validate_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("workload", "path"),
    [
        ("{command: [./absent]}", ("workload",)),
        ("{votes: {command: [./absent]}}", ("workload", "votes")),
        ("{votes: {composer: absent}}", ("workload", "votes")),
    ],
)
def test_a_load_whose_program_is_not_there_is_refused(workload: str, path: tuple[str, ...]) -> None:
    error = refusal(f"{HEAD}workload: {workload}\n")
    assert error.path == path
    assert "absent" in str(error)


def test_a_directory_of_test_commands_brings_its_check(tmp_path: Path) -> None:
    command = tmp_path / "tests" / "parallel_driver_add"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    file = tmp_path / "x.yaml"
    file.write_text(f"{HEAD}workload: {{composer: tests}}\n")
    assert resolve(load_scenario(file), 1, SYSTEM).checks == ("test_commands_passed",)
    file.write_text(HEAD)
    assert resolve(load_scenario(file), 1, SYSTEM).checks == ()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("connected", "signal connected"),
        ("ok_share", "signal ok_share"),
        ("latency_p99", "metric latency_p99_s"),
        ("operations", "metric operations"),
        ("latency", "metric latency_max_s"),
    ],
)
def test_an_observation_named_like_a_signal_or_a_metric_is_refused_with_its_line(
    name: str, other: str
) -> None:
    error = refusal(
        f"{HEAD}observe:\n  queue: {{redis: 'redis://redis:6379'}}\n  {name}: {{redis: 'redis://r:1'}}\n"
    )
    assert (error.line, error.path) == (6, ("observe", name))
    assert f"is also the name of the {other}: choose another" in error.problem
