"""What `faults` says of each fault: what it is, on which targets, and when it ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from driver.histories.events import FaultBegun, FaultEnded
from driver.histories.history import DRIVER, History, JournalRead
from driver.labs.active_faults import ActiveFault, container_faults, link_faults, open_faults, target_ranges
from driver.labs.injection_plan import LONGEST_S
from driver.labs.lease_renewer import LEASE_MS
from driver.labs.toxiproxy_api import FaultedLink, FaultState, LinkState, ToxicState

S = 1_000_000_000
BEGAN_NS = 100 * S
NOW_NS = 112 * S
BOTH = [ToxicState("t1", "delay", "upstream"), ToxicState("t2", "delay", "downstream")]


def begun(name: str = "f1", kind: str = "latency", for_s: float | None = 60.0, **params: Any) -> FaultBegun:
    return FaultBegun(
        at_ns=BEGAN_NS, wall_s=0.0, by=DRIVER, fault=name, kind=kind, targets=["worker-1", "worker-2"],
        params=msgspec.Raw(msgspec.json.encode(params)), planned_ns=BEGAN_NS, for_s=for_s,
    )  # fmt: skip


def state(lease_left_ms: int = LEASE_MS, began_ns: int = BEGAN_NS) -> FaultState:
    links = [FaultedLink(name, began_ns, toxics=BOTH) for name in ("worker-1", "worker-2")]
    return FaultState("f1", "on", links, lease_left_ms=lease_left_ms, began_at_mono_ns=began_ns)


def link(
    name: str, toxics: list[str], faults: list[str], enabled: bool = True, stuck: bool = False
) -> LinkState:
    return LinkState(name, "[::]:1", "c:1", enabled, 1, 1, 0, 0, toxics, faults, stuck)


def one(state: FaultState, *shown: FaultBegun) -> ActiveFault:
    (found,) = link_faults([state], [], {each.fault: each for each in shown}, NOW_NS)
    return found


def test_a_fault_is_shown_with_both_directions_its_parameters_and_its_planned_end() -> None:
    fault = one(state(), begun(mean="200ms", direction="both"))
    assert fault.what == "latency both, mean: 200ms"
    assert (fault.since_s, fault.ends_in_s, fault.until) == (12.0, 48.0, "in 48s")


def test_one_without_an_end_of_its_own_lasts_until_it_is_ended_and_no_longer_than_its_limit() -> None:
    fault = one(state(), begun(for_s=LONGEST_S))
    assert (fault.ends_in_s, fault.until) == (3588.0, "until Ctrl-C or heal, in 3588s at most")


def test_a_degraded_container_whose_fault_was_over_in_an_instant_stays_so_until_heal() -> None:
    restart = begun(kind="restart", for_s=None)
    (fault,) = container_faults({"worker-1": ["exited"]}, {"f1": restart}, NOW_NS)
    assert (fault.ends_in_s, fault.until) == (None, "until heal")


def test_one_that_nothing_renews_ends_with_its_lease() -> None:
    fault = one(state(lease_left_ms=3_000), begun())
    assert (fault.ends_in_s, fault.until) == (3.0, "in 3s (not renewed)")


def test_of_one_that_another_driver_began_no_end_is_made_up() -> None:
    assert one(state()).until == "until its command ends it"


def test_one_that_is_armed_is_not_on_yet() -> None:
    assert link_faults([state(began_ns=0)], [], {}, NOW_NS) == []


@pytest.mark.parametrize(
    ("links", "what"),
    [
        (link("worker-3", ["mine"], []), ["toxic mine (by another client)"]),
        (link("worker-3", [], [], enabled=False), ["closed (by another client)"]),
        (link("worker-3", [], [], stuck=True), ["stuck"]),
        (link("worker-3", ["t1"], ["f1"]), []),
        (link("worker-3", [], []), []),
    ],
)
def test_a_change_of_another_client_to_a_link_is_shown_too(links: LinkState, what: list[str]) -> None:
    assert [found.what for found in link_faults([], [links], {}, NOW_NS)] == what


def test_a_fault_on_containers_is_shown_by_its_name_and_its_end() -> None:
    pause = begun(kind="pause", for_s=20.0)
    hurts = {"worker-1": ["paused"], "worker-4": ["exited"]}
    ours, not_ours = container_faults(hurts, {"f1": pause}, NOW_NS)
    assert (ours.what, ours.targets, ours.until) == ("pause", ["worker-1"], "in 8s")
    assert (not_ours.what, not_ours.targets, not_ours.until) == ("exited", ["worker-4"], "until heal")


def test_a_container_that_a_killed_command_left_says_what_ends_it() -> None:
    (fault,) = container_faults({"worker-1": ["exited"]}, {"f1": begun(kind="kill", for_s=5.0)}, NOW_NS)
    assert fault.until == "until heal (its command is gone)"


def test_a_fault_that_ended_is_not_on() -> None:
    ended = FaultEnded(
        at_ns=NOW_NS, wall_s=0.0, by=DRIVER, fault="f1", kind="pause", targets=[], planned_ns=0
    )
    events = [begun("f1"), begun("f2"), ended]
    history = History({DRIVER: JournalRead(DRIVER, events, range(1, 4))})
    assert list(open_faults(history)) == ["f2"]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["worker-4"], "worker-4"),
        (["worker-1", "worker-2", "worker-3", "worker-7"], "workers 1-3, 7"),
        (["coordinator"], "coordinator"),
        (["worker-1", "worker-2", "toxiproxy"], "workers 1-2, toxiproxy"),
    ],
)
def test_targets_are_written_as_in_a_selection(targets: list[str], expected: str) -> None:
    assert target_ranges(targets) == expected


def test_the_targets_of_a_system_are_named_one_by_one() -> None:
    assert target_ranges(["api[1]->db:5432", "api[2]->db:5432"]) == "api[1]->db:5432, api[2]->db:5432"
    assert target_ranges(["db[1]"]) == "db[1]"
    assert target_ranges([f"api[{number}]" for number in range(1, 10)]).endswith("… (9 in all)")
