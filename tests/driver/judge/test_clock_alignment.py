"""Journals of several hosts, merged: their instants are the driver's, and nothing else of them changes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from chaos.prober.events import LinkSeen, ProberEvent
from driver.histories import events as driver
from driver.histories.clock_alignment import aligned, aligned_event, instants
from driver.histories.clocks import ONE_CLOCK, Clocks, clocks_of, named_skew
from driver.histories.host_clock import ClockReading, Estimate, HostClock
from driver.histories.journals import read_history
from driver.histories.link_events import ConnectionEnded, DoorEvent, PingTrips, StreamOfSide
from driver.histories.live_journals import LiveJournals
from driver.histories.system_events import LoadEvent, ObserverEvent
from driver.reference.load_events import LoadEvent as ReferenceLoadEvent
from tests.driver.judge.histories import NO_SETTINGS, healthy_herd
from tests.driver.judge.host_clocks import SECOND_NS, journals_of, on_hosts
from wire.events import Event
from wire.task_events import CoordinatorEvent, Started, TaskDone, TaskSubmitted, WorkerEvent

EXACT = HostClock([ClockReading(0, 100, 0)], drift_ppm=0)
"""A clock that is 100 ns ahead, always."""
LATER = HostClock([ClockReading(0, 5_000, 0)], drift_ppm=0)
CLOCKS = Clocks(
    {"worker-1": "a", "coordinator": "b", "toxiproxy": "b", "prober": "b"}, {"a": EXACT, "b": LATER}
)
DRIVER_EVENTS = (driver.DriverEvent, ReferenceLoadEvent)
KINDS = sorted(
    {
        kind
        for group in (WorkerEvent, CoordinatorEvent, ProberEvent, DoorEvent, LoadEvent, *DRIVER_EVENTS)
        for kind in get_args(group)
    }
    | {ObserverEvent},
    key=lambda kind: kind.__name__,
)


def test_journals_of_one_host_are_the_same_objects() -> None:
    journals = journals_of(healthy_herd())
    made = aligned(journals, clocks_of(journals["driver"].events))
    assert all(made[name] is journal for name, journal in journals.items())


def test_a_run_on_one_host_has_no_other_clock_and_no_skews() -> None:
    clocks = clocks_of(journals_of(healthy_herd())["driver"].events)
    assert clocks is ONE_CLOCK
    assert clocks.skews() == []


def test_an_event_is_at_the_drivers_instant() -> None:
    event = Started(at_ns=1_100, wall_s=0.0, by="worker-1", task="t", token=1)
    assert aligned_event(event, CLOCKS) == msgspec.structs.replace(event, at_ns=1_000)


def test_an_instant_of_another_process_is_converted_by_its_own_clock() -> None:
    done = TaskDone(at_ns=6_000, wall_s=0.0, by="coordinator", task="t", token=1, worker="worker-1",
                    outcome="completed", error="", attempts=1, started_ns=300, ended_ns=400)  # fmt: skip
    made = aligned_event(done, CLOCKS)
    assert isinstance(made, TaskDone)
    assert (made.at_ns, made.started_ns, made.ended_ns) == (1_000, 200, 300)
    submitted = TaskSubmitted(
        at_ns=6_000, wall_s=0.0, by="coordinator", task="t", priority="p", intended_ns=7
    )
    assert getattr(aligned_event(submitted, CLOCKS), "intended_ns", 0) == 7


def test_instants_inside_of_an_event_are_converted_and_none_remains_none() -> None:
    pings = PingTrips(1, 0, 5, 5, 5, waiting_ns=5_003, rtt_us=[5_000])
    side = StreamOfSide(9, first_ns=5_001, last_ns=5_002, ended_ns=0, how="", pings=pings)
    ended = ConnectionEnded(at_ns=6_000, wall_s=0.0, by="toxiproxy", link="l", connection=1, opened_ns=5_010,
                            client=side, server=side, ended_by="client", how="fin")  # fmt: skip
    made = aligned_event(ended, CLOCKS)
    assert isinstance(made, ConnectionEnded)
    assert (made.opened_ns, made.client.first_ns, made.client.ended_ns) == (10, 1, 0)
    assert made.client.pings is not None
    assert (made.client.pings.waiting_ns, made.client.pings.rtt_us) == (3, [5_000])


def test_a_fault_on_links_is_at_toxiproxys_instants_whatever_the_driver_thought_of_its_clock() -> None:
    begun = driver.FaultBegun(at_ns=1_050, wall_s=0.0, by="driver", fault="f", kind="cut", targets=["l"],
                              params=NO_SETTINGS, planned_ns=990, began_ns={"l": 6_000 - 4_950, "m": 6_001 -
                              4_950}, toxiproxy_offset_ns=-4_950)  # fmt: skip
    made = aligned_event(begun, CLOCKS)
    assert isinstance(made, driver.FaultBegun)
    assert (made.began_ns, made.at_ns, made.planned_ns) == ({"l": 1_000, "m": 1_001}, 1_001, 990)


def test_the_drivers_own_instants_are_never_changed() -> None:
    noted = driver.ContainersRead(at_ns=5, wall_s=0.0, by="driver", asked_ns=3, closely=[])
    assert aligned_event(noted, CLOCKS) is noted


def test_a_way_that_two_clocks_measured_is_unknown_where_they_are_of_two_hosts() -> None:
    seen = LinkSeen(at_ns=6_000, wall_s=0.0, by="prober", link="l", since_ns=5_500, sent=1, heard=1,
                    rtt_at_ms=[1], rtt_us=[900], out_bytes=1, in_bytes=1, up_us=[400])  # fmt: skip
    assert getattr(aligned_event(seen, CLOCKS), "up_us", None) == [400]
    apart = Clocks({**CLOCKS.host_of, "prober": "a"}, CLOCKS.by_host)
    assert getattr(aligned_event(seen, apart), "up_us", None) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_instant_of_every_event_is_an_integer_or_several(kind: type[Event]) -> None:
    assert "at_ns" in instants(kind)
    for field in msgspec.structs.fields(kind):
        if field.name.endswith("_ns"):
            assert field.type in (int, list[int], dict[str, int]), f"{kind.__name__}.{field.name}"


def test_hosts_are_late_and_early_against_each_other_in_some_skew() -> None:
    hosts = [f"h{number}" for number in range(7)]
    skews = Clocks({host: host for host in hosts}, dict.fromkeys(hosts, EXACT)).skews()
    assert len(skews) == 2 + 2 * 3
    for one in hosts:
        for other in hosts:
            if one != other:
                ways = {(skew[one], skew[other]) for skew in skews}
                assert (Estimate.earliest, Estimate.latest) in ways
                assert (Estimate.latest, Estimate.earliest) in ways
    assert named_skew({"b": Estimate.earliest, "c": Estimate.latest}) == "b early, c late"


def test_a_stored_run_on_many_hosts_reads_as_the_run_on_one(tmp_path: Path) -> None:
    past = healthy_herd()
    plain = past.history()
    folder = on_hosts(past, 5).write(tmp_path / "run")
    for history in (read_history(folder), LiveJournals([folder / "journals"]).read()):
        for name in ("coordinator", *past.workers):
            apart = [
                abs(one.at_ns - other.at_ns)
                for one, other in zip(plain.by(name), history.by(name), strict=True)
            ]
            assert max(apart) <= SECOND_NS // 1000
        assert history.clocks.trouble() == []


def test_a_host_whose_clock_was_never_read_is_trouble() -> None:
    moved = on_hosts(healthy_herd(), 5)
    moved.lines["driver"] = [
        one for one in moved.lines["driver"] if not isinstance(one, driver.ClockRead) or one.host != "host-2"
    ]
    (trouble,) = clocks_of(journals_of(moved)["driver"].events).trouble()
    assert "host-2" in trouble
