"""The model of an overloaded coordinator: it works in turns, serves abandoned connections too, and depends on
its seed alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks.handshake_costs import Costs
from benchmarks.overload.busy_core import BusyCore, Prices
from benchmarks.overload.client import Link, Way
from benchmarks.overload.storm import KEY, Outcome, Scene, Storm
from coordinator.core import AcceptedHandshake, CoordinatorCore
from coordinator.handshake import HandshakeRefusal
from coordinator.rows import Recovered
from tests.simulation.clock import Clock
from wire.codec import PROTOCOL_VERSION
from wire.events import Journal
from wire.handshake import Hello, write_hello
from wire.settings import CoordinatorSettings

COSTS = Costs(accepted_us=100.0, abandoned_us=400.0, refused_us=300.0, resumed_us=600.0, heartbeat_us=100.0)
SMALL = Scene(fleet=5_000, scale=100, all_s=16.0, admission_share=0.5, outage_s=8.0, patience_s=60.0)


MS = 1_000_000


@dataclass
class FakeCaller:
    """A client that notes when it is answered; it may have left."""

    number: int
    clock: Clock
    is_closed: bool = False
    answered_ms: list[float] = field(default_factory=list)

    def hello(self) -> str:
        name, nonce = f"worker-{self.number}", bytes([self.number] * 16)
        return write_hello(
            Hello(PROTOCOL_VERSION, name, "first", nonce, self.clock.wall_s(), 1, 1, True), KEY
        )

    def answered(self, answer: AcceptedHandshake | HandshakeRefusal) -> None:
        self.answered_ms.append((self.clock.now_ns - 1_000_000_000) / MS)

    def receive(self, data: bytes) -> None: ...

    def ended(self, code: int) -> None: ...


def coordinator(clock: Clock, backlog: int) -> BusyCore:
    journal = Journal("coordinator", lambda line: None, lambda: clock.now_ns, clock.wall_s)
    core = CoordinatorCore(
        CoordinatorSettings(), KEY, Recovered(epoch=1, secret=KEY), journal, bytes, clock.now_ns
    )
    prices = Prices(accepted=MS, abandoned=5 * MS, refused=2 * MS, resumed=10 * MS, frame=MS)
    return BusyCore(clock, core, prices, backlog)


def test_a_turn_accepts_the_backlog_and_the_next_answers_in_order() -> None:
    clock = Clock()
    server = coordinator(clock, backlog=3)
    callers = [FakeCaller(number, clock, is_closed=number == 1) for number in range(3)]
    assert all(server.syn(caller) for caller in callers)
    while clock.now_ns < 1_040 * MS:
        clock.step()
    assert [caller.answered_ms for caller in callers] == [[13.0], [], [28.0]]
    assert (server.served, server.stale) == (2, 1)


def test_a_full_backlog_drops_new_connections() -> None:
    clock = Clock()
    server = coordinator(clock, backlog=1)
    assert server.syn(FakeCaller(1, clock))
    assert not server.syn(FakeCaller(2, clock))
    assert server.dropped == 1


def ran(policy: str, scene: Scene = SMALL) -> Outcome:
    return Storm(scene, COSTS, policy, 1).run()


def test_the_models_core_needs_all_s_for_the_whole_fleet() -> None:
    prices = SMALL.prices(COSTS)
    assert round((prices.accepted + prices.resumed) * SMALL.workers / 1e9, 6) == 16.0
    assert SMALL.core_share(COSTS) == 0.1875


def test_retries_after_a_fixed_delay_keep_the_coordinator_busy_with_abandoned_attempts() -> None:
    outcome = ran("fixed")
    assert outcome.back_s is None
    assert outcome.stale > outcome.served


def test_slots_bring_the_same_fleet_back_and_no_hello_is_wasted() -> None:
    outcome = ran("slotted")
    assert outcome.back_s is not None
    assert outcome.connected == SMALL.workers
    assert outcome.stale == 0


def test_a_coordinator_that_serves_its_backlog_within_the_connect_timeout_is_never_stuck() -> None:
    assert ran("fixed", replace(SMALL, all_s=3.0)).back_s is not None


def test_the_same_seed_ends_the_same() -> None:
    assert ran("full_jitter") == ran("full_jitter")


def test_one_direction_of_a_connection_keeps_order_whatever_delays_are_drawn() -> None:
    clock, came = Clock(), list[int]()
    way = Way(Link(clock, random.Random(1)))
    for number in range(50):
        way.carry(partial(came.append, number))
    while clock.step():
        pass
    assert came == list(range(50))
