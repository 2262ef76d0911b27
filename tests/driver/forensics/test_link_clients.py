"""Claims about clients that write no journal: a door's journal of a fleet gives what the fleet's own give."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from driver.forensics.amplification import Amplification, amplifications
from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import PolicyIdentification, identify_policy
from driver.forensics.synchrony import storm_synchrony
from driver.histories import link_events as door
from driver.histories.connection_history import connection_histories
from driver.histories.history import History, JournalRead
from driver.histories.link_connections import link_journals
from driver.histories.link_events import CLIENT, CLOSED, DOOR, FIN, StreamOfSide
from driver.histories.link_history import link_history
from tests.driver.forensics.fleets import Fleet
from tests.driver.judge.door_journal import LINK, RAW, DoorPast
from wire import events as wire
from wire.events import Event
from wire.policies import POLICIES

PROCESS = "toxiproxy"
WITHOUT_SLOTS = sorted(name for name, policy in POLICIES.items() if not policy.takes_slot)


def as_a_door_sees(history: History) -> History:
    """The journal of the links of a fleet, in place of the fleet's own."""
    lines: list[Event] = []
    for number, worker in enumerate(history.clients):
        lines += _of_worker(worker, history.by(worker), (number + 1) * 1_000_000)
    lines.sort(key=lambda event: event.at_ns)
    journal = JournalRead.of(PROCESS, lines)
    return History({PROCESS: journal, "driver": history.journals["driver"]})


def _of_worker(worker: str, events: Sequence[Event], number: int) -> list[Event]:
    lines: list[Event] = []
    asked_ns = connected_ns = 0
    for event in events:
        at: dict[str, Any] = {"at_ns": event.at_ns, "wall_s": 0.0, "by": PROCESS, "link": worker}
        if isinstance(event, wire.Connecting):
            asked_ns = event.at_ns
        elif isinstance(event, wire.ConnectFailed):
            lines.append(
                door.ConnectionFailed(**at, asked_ns=asked_ns, dialling_ns=0, why="closed", detail="")
            )
        elif isinstance(event, wire.Connected):
            number, connected_ns = number + 1, event.at_ns
            times: Any = {"asked_ns": asked_ns, "dialling_ns": asked_ns, "dialled_ns": asked_ns}
            lines.append(door.ConnectionOpened(**{**at, "at_ns": asked_ns}, connection=number, **times))
            sent = StreamOfSide(1, event.at_ns, event.at_ns, 0, "")
            seen: Any = {"opened_ns": asked_ns, "client": sent, "server": sent}
            lines.append(door.ConnectionSeen(**at, connection=number, **seen))
        elif isinstance(event, wire.ConnectionLost):
            sides = [StreamOfSide(1, connected_ns, connected_ns, event.at_ns, how) for how in (FIN, CLOSED)]
            lines.append(
                door.ConnectionEnded(
                    **at,
                    connection=number,
                    opened_ns=asked_ns,
                    client=sides[0],
                    server=sides[1],
                    ended_by=DOOR,
                    how=FIN,
                )
            )
    return lines


@cache
def fleet(policy: str) -> History:
    return Fleet((policy,), workers=8, rounds=2).history()


def named(history: History) -> PolicyIdentification:
    return identify_policy(pooled(list(gaps_by_client(history).values())))


@pytest.mark.parametrize("policy", WITHOUT_SLOTS)
def test_a_door_names_the_policy_that_the_clients_own_journals_name(policy: str) -> None:
    own, seen = named(fleet(policy)), named(link_history(as_a_door_sees(fleet(policy))))
    assert own.best is not None
    assert seen.best is not None
    assert (seen.best.policy.name, seen.sure) == (own.best.policy.name, own.sure)
    assert seen.lead == pytest.approx(own.lead, rel=0.05, abs=1.0)


def test_a_door_sees_the_reconnections_that_the_clients_own_journals_have() -> None:
    history = fleet("full_jitter")
    own, seen = connection_histories(history), connection_histories(link_history(as_a_door_sees(history)))
    assert sum(len(one.outages) for one in own.values()) == 16
    for worker, connections in own.items():
        assert [one.back_ns for one in seen[worker].outages] == [one.back_ns for one in connections.outages]


def test_a_door_sees_the_synchrony_that_the_clients_own_journals_have() -> None:
    history = fleet("fixed")
    own, seen = storm_synchrony(history), storm_synchrony(link_history(as_a_door_sees(history)))
    assert own
    assert [(one.clients, one.attempts, one.busiest) for one in seen] == [
        (one.clients, one.attempts, one.busiest) for one in own
    ]


def around(*faults: tuple[float, float], attempts: int = 12, omitted: int = 0) -> list[Amplification]:
    """Connections every 2 s from 1 s to 60 s, but `attempts` in the 3 s from 30 s on that are refused."""
    past = DoorPast()
    past.named()
    for number, (from_s, for_s) in enumerate(faults):
        past.fault(f"fault-{number}", "refuse", [LINK], from_s, for_s)
    for second in [*range(1, 30, 2), *range(34, 62, 2)]:
        past.carried(second, second + 0.5, CLIENT)
    for attempt in range(attempts):
        past.failed(30.002 + 3.0 * attempt / attempts)
    if omitted:
        counts = {"connection_failed": omitted}
        past.emit(past.process, door.LinesOmitted, 40.0, link=RAW, counts=counts)
    return amplifications(past.history([]))


def test_attempts_under_a_fault_are_compared_with_those_before_and_after_it() -> None:
    (one,) = around((30.0, 3.0))
    assert (one.link, one.fault, one.least) == (LINK, "fault-0", False)
    assert one.under_per_s == 4.0
    assert one.before_per_s == pytest.approx(0.5, rel=0.05)
    assert one.after_per_s == pytest.approx(0.5, rel=0.05)
    assert one.factor == pytest.approx(8.0, rel=0.05)


def test_the_time_of_another_fault_is_no_baseline() -> None:
    _, one = around((29.0, 1.0), (30.0, 3.0))
    assert (one.before_per_s, one.factor) == (None, None)


def test_attempts_that_the_door_left_out_make_the_rate_a_least_one() -> None:
    (one,) = around((30.0, 3.0), omitted=5)
    assert one.least


def test_links_of_a_fleet_are_all_there() -> None:
    assert len(link_journals(as_a_door_sees(fleet("fixed")))) == 8
