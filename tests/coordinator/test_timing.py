"""The times in a welcome, by the size of the fleet: backoff, heartbeats, leases."""

from __future__ import annotations

from tests.coordinator.harness import CoordinatorHarness


def test_backoff_is_capped_at_fleet_by_admission_rate() -> None:
    world = CoordinatorHarness(fleet=1_000, admission_per_s=50.0)
    assert world.peer().connect().backoff.cap_ms == 20_000


def test_the_backoff_cap_of_a_fleet_that_is_admitted_fast_is_as_short() -> None:
    world = CoordinatorHarness(fleet=1_000, admission_per_s=2_000.0)
    assert world.peer().connect().backoff.cap_ms == 500


def test_the_advice_follows_the_number_of_sessions_as_they_come_end_and_are_taken_up_again() -> None:
    world = CoordinatorHarness(fleet=1, admission_per_s=2.0, session_ttl_ms=60_000)

    def advised_ms(name: str) -> int:
        world.advance(1_000)
        peer = world.peer(name)
        world.core.check()
        cap_ms = peer.connect().backoff.cap_ms
        peer.cut()
        return cap_ms

    assert [advised_ms(f"worker-{number}") for number in range(1, 5)] == [500, 1_000, 1_500, 2_000]
    world.crash()
    world.core.check()
    assert advised_ms("worker-1") == 2_000
    world.advance(61_000)
    world.core.check()
    assert advised_ms("worker-9") == 500


def test_a_small_fleet_makes_at_most_about_five_attempts_a_second() -> None:
    world = CoordinatorHarness(fleet=3, admission_per_s=50.0)
    assert world.peer().connect().backoff.cap_ms == 400


def test_heartbeats_become_rarer_as_the_fleet_grows() -> None:
    assert CoordinatorHarness(fleet=20).peer().connect().heartbeat_interval_ms == 2_000
    welcome = CoordinatorHarness(fleet=5_000).peer().connect()
    assert welcome.heartbeat_interval_ms == 10_000
    assert welcome.heartbeat_timeout_ms == 20_000
    welcome = CoordinatorHarness(fleet=1_500).peer().connect()
    assert welcome.heartbeat_interval_ms == 3_000
    assert welcome.heartbeat_timeout_ms == 6_000


def test_a_lease_outlives_three_heartbeats_of_a_large_fleet() -> None:
    world = CoordinatorHarness(fleet=5_000, lease_ms=10_000)
    peer = world.peer()
    world.submit("a")
    assert peer.assigned[0].lease_ms == 30_000
