"""`placement:` of a scenario: on which host each worker runs, and hosts as targets."""

from __future__ import annotations

import pytest

from driver.scenarios.plan import Plan
from driver.scenarios.resolve import resolve
from driver.scenarios.scenario_file import parse_scenario
from driver.scenarios.yaml_file import FileError

HEAD = "# A claim.\nworkers: 6\nduration: 60s\n"


def plan_of(placement: str, targets: str = "all") -> Plan:
    text = f"{HEAD}{placement}timeline:\n  - {{fault: unplug, targets: {targets}, at: 10s, for: 5s}}\n"
    return resolve(parse_scenario(text, "x"), seed=1)


def test_a_number_spreads_workers_over_as_many_hosts() -> None:
    found = plan_of("placement: 3\n").placement
    assert found == {
        "worker-1": 2, "worker-2": 3, "worker-3": 1, "worker-4": 2, "worker-5": 3, "worker-6": 1,
    }  # fmt: skip


def test_a_mapping_places_each_worker() -> None:
    found = plan_of("placement: {host-1: 1-4, host-2: 5-6}\n").placement
    assert [found[f"worker-{number}"] for number in range(1, 7)] == [1, 1, 1, 1, 2, 2]


def test_a_host_is_a_target_that_has_all_its_workers() -> None:
    (fault,) = plan_of("placement: 3\n", "host-3").faults
    assert fault.targets == ("worker-2", "worker-5")


def test_without_a_placement_the_engine_decides_and_a_host_is_no_target() -> None:
    assert plan_of("").placement == {}
    with pytest.raises(FileError, match="host-2"):
        plan_of("", "host-2")


@pytest.mark.parametrize(
    ("placement", "problem"),
    [
        ("{host-1: 1-4}", "worker-5 is placed on no host, and so are 1 others"),
        ("{host-1: 1-4, host-2: 4-6}", "worker-4 is placed on host-1 and on host-2"),
        ("{east: all}", "expected a host like host-2"),
        ("{host-1: all, host-2: coordinator}", "coordinator always runs on the first host"),
        ("101", "expected 1 to 100 hosts"),
        ("{host-1: 1-9}", "there are 6 workers"),
    ],
)
def test_a_placement_that_is_not_one_is_refused_by_its_key(placement: str, problem: str) -> None:
    with pytest.raises(FileError, match=problem) as refused:
        plan_of(f"placement: {placement}\n")
    assert refused.value.path == ("placement",)
