"""Claims about the links of a system: one fault over several doors, all of it or none."""

from __future__ import annotations

import pytest

from driver.errors import LinksError
from driver.systems.system_links import AHEAD_NS, SystemLinks
from tests.driver.systems.fake_doors import GATEWAY, PAIRS, REPLICAS, FakeDoor, fake_links, replica

BOTH = ["api[1]->db:5432", "api[2]->cache:6379"]


def fault(links: list[str], fault_id: str = "f1") -> dict[str, object]:
    return {"id": fault_id, "links": links, "lease_ms": 5_000, "action": "cut"}


def test_every_replica_of_a_client_and_the_outside_have_links() -> None:
    links, doors = fake_links()
    assert {link.name for link in links.wanted()} == {
        "api[1]->db:5432", "api[2]->db:5432", "web[1]->db:5432", "outside->web:80",
        "api[1]->cache:6379", "api[2]->cache:6379",
    }  # fmt: skip
    assert doors["web"].on == {f"outside->web:80@{GATEWAY}": []}
    assert links.count() == 6


def test_states_have_the_systems_names() -> None:
    links, _ = fake_links()
    assert [one.name for one in links.states()] == sorted(one.name for one in links.wanted())


def test_a_fault_on_one_door_asks_no_other() -> None:
    links, doors = fake_links()
    state = links.begin_fault(fault(["api[2]->db:5432"]))
    assert doors["db"].bodies[0]["links"] == ["api->db:5432@10.236.1.3"]
    assert "begin_at_mono_ns" not in doors["db"].bodies[0]
    assert [link.link for link in state.links] == ["api[2]->db:5432"]
    assert "begin" not in doors["cache"].asked


def test_an_anchor_counts_on_links_of_the_same_door_under_the_systems_names() -> None:
    links, doors = fake_links()
    when = {"links": ["api[1]->db:5432"], "bytes": 9, "stream": "upstream"}
    links.begin_fault({**fault(["api[2]->db:5432"]), "when": when})
    assert doors["db"].bodies[0]["when"] == {**when, "links": ["api->db:5432@10.236.1.2"]}
    anchor = links.wait_fault("f1", 1.0).anchor
    assert anchor is not None
    assert anchor.struck is not None
    assert (anchor.links, anchor.struck.link) == (["api[1]->db:5432"], "api[1]->db:5432")
    assert "wait" not in doors["cache"].asked


def test_an_anchor_of_another_door_is_refused_before_anything_begins() -> None:
    links, doors = fake_links()
    with pytest.raises(LinksError, match="The doors of cache count, and those of db are to begin it"):
        links.begin_fault({**fault(["api[2]->db:5432"]), "when": {"links": ["api[1]->cache:6379"]}})
    assert all("begin" not in door.asked for door in doors.values())


def test_a_fault_on_two_doors_begins_at_one_instant_on_both() -> None:
    links, doors = fake_links({server: FakeDoor(clock_ns=5_000_000) for server in PAIRS})
    state = links.begin_fault(fault(BOTH))
    begins = {doors[server].bodies[0]["begin_at_mono_ns"] for server in ("db", "cache")}
    assert begins == {5_000_000 + AHEAD_NS}
    assert {link.link: link.began_at_mono_ns for link in state.links} == dict.fromkeys(BOTH, *begins)


def test_a_begin_that_is_given_remains() -> None:
    links, doors = fake_links()
    links.begin_fault({**fault(BOTH), "begin_at_mono_ns": 10 * AHEAD_NS})
    assert {doors[server].bodies[0]["begin_at_mono_ns"] for server in ("db", "cache")} == {10 * AHEAD_NS}


def test_a_begin_that_comes_too_soon_for_several_doors_is_later_on_all() -> None:
    links, doors = fake_links({server: FakeDoor(clock_ns=5_000_000) for server in PAIRS})
    links.begin_fault({**fault(BOTH), "begin_at_mono_ns": 5_000_001})
    begins = {doors[server].bodies[0]["begin_at_mono_ns"] for server in ("db", "cache")}
    assert begins == {5_000_000 + AHEAD_NS}


@pytest.mark.parametrize("refusing", ["db", "cache"])
def test_where_one_door_refuses_none_keeps_the_fault(refusing: str) -> None:
    links, doors = fake_links()
    doors[refusing].refuses = {"begin"}
    with pytest.raises(LinksError, match=f"The door of {refusing}: Toxiproxy refused begin"):
        links.begin_fault(fault(BOTH))
    assert not any(door.faulted for door in doors.values())


def test_a_link_that_is_not_there_is_refused_before_any_door_is_asked() -> None:
    links, doors = fake_links()
    with pytest.raises(LinksError, match=r"no link api\[3\]->db:5432"):
        links.begin_fault(fault(["api[3]->db:5432", *BOTH]))
    assert not any("begin" in door.asked for door in doors.values())


def test_the_lease_is_renewed_on_every_door_of_a_fault() -> None:
    links, doors = fake_links()
    links.begin_fault(fault(BOTH))
    links.renew_lease("f1", 5_000)
    assert [server for server, door in doors.items() if "renew" in door.asked] == ["db", "cache"]
    doors["cache"].faulted.clear()
    with pytest.raises(LinksError, match="f1 has ended"):
        links.renew_lease("f1", 5_000)


def test_a_fault_ends_on_all_its_doors_under_the_systems_names() -> None:
    links, doors = fake_links()
    links.begin_fault(fault(BOTH))
    ended = links.end_fault("f1")
    assert {link.link for link in ended.links} == set(BOTH)
    assert (ended.state, ended.ended_because) == ("ended", "deleted")
    assert not any(door.faulted for door in doors.values())


def test_a_door_that_does_not_end_it_keeps_no_other_from_ending_it() -> None:
    links, doors = fake_links()
    links.begin_fault(fault(BOTH))
    doors["db"].refuses = {"end"}
    with pytest.raises(LinksError, match="The door of db"):
        links.end_fault("f1")
    assert not doors["cache"].faulted


def test_another_process_ends_and_renews_a_fault_too() -> None:
    links, doors = fake_links()
    links.begin_fault(fault(BOTH))
    other, _ = fake_links(doors)
    assert other.renew_lease("f1", 5_000).id == "f1"
    assert {link.link for link in other.end_fault("f1").links} == set(BOTH)
    with pytest.raises(LinksError, match="No door has a fault f1"):
        other.end_fault("f1")


def test_a_fault_that_two_doors_have_is_listed_once() -> None:
    links, _ = fake_links()
    links.begin_fault(fault(BOTH))
    (state,) = links.faults()
    assert {link.link for link in state.links} == set(BOTH)
    assert state.lease_left_ms == 5_000


def test_a_name_follows_a_replica_to_its_new_address_while_a_fault_keeps_its_own() -> None:
    replicas = list(REPLICAS)
    links, doors = fake_links(replicas=replicas)
    links.begin_fault(fault(["api[1]->db:5432"]))
    replicas[0] = replica("api", 1, "10.236.1.77")
    links.create(links.wanted())
    assert "api->db:5432@10.236.1.77" in doors["db"].on
    assert [link.link for link in links.end_fault("f1").links] == ["api[1]->db:5432"]


def test_a_replica_without_an_address_has_no_link() -> None:
    replicas = list(REPLICAS)
    links, _ = fake_links(replicas=replicas)
    replicas[1] = replica("api", 2, "")
    assert not [link.name for link in links.wanted() if link.name.startswith("api[2]")]


def test_a_link_of_a_replica_that_does_not_run_is_not_missing_and_one_that_a_door_lost_is() -> None:
    replicas = list(REPLICAS)
    links, doors = fake_links(replicas=replicas)
    assert links.count() == 6
    replicas[1] = replica("api", 2, "")
    assert links.count() == 6
    doors["cache"].on.clear()
    assert links.count() == 5


def test_a_fault_on_the_outside_is_on_every_client_there() -> None:
    links, doors = fake_links()
    doors["web"].on["outside->web:80@192.0.2.7"] = []
    state = links.begin_fault(fault(["outside->web:80"]))
    assert len(doors["web"].bodies[0]["links"]) == 2
    (link,) = state.links
    assert (link.link, link.connections_hit) == ("outside->web:80", 2)
    (seen,) = [one for one in links.states() if one.name == "outside->web:80"]
    assert (seen.connections, seen.accepted, seen.faults) == (2, 4, ["f1"])


def test_heal_reaches_every_door() -> None:
    links, doors = fake_links()
    links.begin_fault(fault(BOTH))
    assert links.heal().faults == ["f1"]
    assert not any(door.faulted for door in doors.values())


def test_a_door_that_does_not_run_is_named() -> None:
    links, doors = fake_links()
    some = {server: door for server, door in doors.items() if server != "cache"}
    gone, _ = fake_links(doors)
    gone._doors = lambda: some
    assert not gone.is_up()
    with pytest.raises(LinksError, match="The door of cache does not run"):
        gone.states()
    assert links.is_up()


def test_a_fault_without_a_link_is_refused() -> None:
    links, _ = fake_links()
    with pytest.raises(LinksError, match="Expected the links that"):
        links.begin_fault(fault([]))


def test_a_system_without_a_door_has_no_links_and_takes_no_fault() -> None:
    links = SystemLinks({}, dict, list)
    assert (links.states(), links.wanted(), links.count()) == ([], [], 0)
    with pytest.raises(LinksError, match="There is no link api"):
        links.begin_fault(fault(["api[1]->db:5432"]))
    with pytest.raises(LinksError, match="has no door"):
        links.clock_ns()
