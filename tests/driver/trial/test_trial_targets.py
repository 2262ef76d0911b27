"""Claims about what a trial hits of a system at rest."""

from __future__ import annotations

from driver.trial.baseline import FlowBaseline, SystemBaseline
from driver.trial.samples import ContainerLook
from driver.trial.targets import idle_ends, targets_of


def carries(rate: float) -> FlowBaseline:
    """A link that carries `rate` bytes a second each way."""
    return FlowBaseline(rate, rate, 0.0, 1, 0.2)


AT_REST = SystemBaseline(
    20.0,
    {"api[1]->db:5432": carries(10.0), "api[2]->db:5432": carries(30.0), "outside->api:80": carries(5.0)},
    {
        "api[1]": ContainerLook("api"),
        "api[2]": ContainerLook("api"),
        "api[3]": ContainerLook("api", state="exited", exit_code=0),
        "db[1]": ContainerLook("db"),
    },
)


def test_of_several_replicas_the_busiest_client_is_hit_and_then_all_and_both_are_said() -> None:
    found = targets_of(AT_REST)
    assert (found.containers, found.services) == (["api[2]", "db[1]"], ["api"])
    assert found.notes == ["api[2] is hit of 2 replicas of api, then all at once"]


def test_links_from_outside_that_carry_traffic_are_hit_too() -> None:
    assert targets_of(AT_REST).pairs == ["api->db:5432", "outside->api:80"]


def test_a_chosen_container_is_hit_alone() -> None:
    found = targets_of(AT_REST, ["api[1]"])
    assert (found.containers, found.services, found.notes) == (["api[1]"], [], [])


def test_links_that_carried_nothing_and_services_without_a_link_are_named() -> None:
    used, idle = FlowBaseline(1, 1, 0, 1, 0.5), FlowBaseline(0, 0, 0, 1, 20.0)
    links = {"api[1]->db:5432": used, "api[1]->mail:25": idle}
    containers = {f"{name}[1]": ContainerLook(name) for name in ("api", "db", "mail", "audit")}
    baseline = SystemBaseline(20.0, links, containers)
    assert idle_ends(baseline, ["api", "db", "mail", "audit"]) == ["api->mail:25", "all links of audit"]
