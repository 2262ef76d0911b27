"""How a storm is counted: recovered workers, the recovery time, and the attempts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.storm import servers
from benchmarks.storm.fleet import FleetReport, Order
from benchmarks.storm.outage import KEY, S, order, outcome, running
from benchmarks.storm.tally import Tally
from wire.settings import CoordinatorSettings

ORDER = Order(kind="workers", count=2, port=1, folder="", key="", starts_per_s=1, bound_s=60)


async def test_a_fleet_is_back_once_all_workers_are_connected_at_once() -> None:
    tally = Tally()
    tally.back("worker-1")
    tally.lost("worker-1")
    tally.back("worker-2")
    assert not await tally.all_back(2, within_s=0.01)
    tally.back("worker-1")
    assert await tally.all_back(2, within_s=0.01)


async def test_a_connection_made_before_the_outage_is_no_recovery() -> None:
    tally = Tally()
    tally.back("worker-1")
    tally.mark()
    assert not await tally.all_back(1, within_s=0.01)


def test_time_counts_from_listen_to_the_last_recovered_worker() -> None:
    found = FleetReport(backs_ns=[11 * S, 13 * S])
    assert outcome(10 * S, ORDER, found).back_s == pytest.approx(3)


def test_attempts_that_failed_before_the_server_listened_do_not_count() -> None:
    found = FleetReport(backs_ns=[11 * S, 13 * S], fails_ns=[8 * S, 9 * S, 12 * S])
    assert outcome(10 * S, ORDER, found).attempts == pytest.approx(1.5)


def test_a_fleet_that_is_not_whole_in_time_gets_the_bound() -> None:
    found = outcome(10 * S, ORDER, FleetReport(whole=False, backs_ns=[11 * S]))
    assert (found.back_s, found.is_whole) == (60, False)


def test_a_fleet_of_real_workers_comes_up(tmp_path: Path) -> None:
    server = servers.coordinator(tmp_path, KEY, CoordinatorSettings(fleet=3))
    with running(server, order("workers", 3, server, tmp_path, bound_s=60, starts_per_s=100)) as fleet:
        assert fleet.ask("up").whole


def test_a_fleet_that_breaks_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "workers.jsonl").symlink_to("/dev/full")
    server = servers.coordinator(tmp_path, KEY, CoordinatorSettings(fleet=3))
    fleet_order = order("workers", 3, server, tmp_path, bound_s=60, starts_per_s=100)
    with running(server, fleet_order) as fleet, pytest.raises(RuntimeError, match="the fleet ended"):
        fleet.ask("up")
