"""Leases are renewed, and links that Toxiproxy lost are created again."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

import pytest

from driver.labs.lease_renewer import LeaseRenewer, LeaseTiming
from driver.labs.toxiproxy_api import Link
from tests.driver.fakes import FakeLinks
from tests.waiting import eventually

WANTED = [Link("worker-1", "[::]:20001", "c:1"), Link("worker-2", "[::]:20002", "c:1")]
BRISK = LeaseTiming(renew_every_s=0.01, poll_s=0.01)


class Watched:
    """A renewer that runs for some rounds, and the troubles that it reported."""

    def __init__(self, links: FakeLinks) -> None:
        self.links = links
        self.troubles: list[str] = []
        self.renewer = LeaseRenewer(links, WANTED, lambda what, _: self.troubles.append(what), BRISK)

    async def watch(self, rounds: int = 3) -> None:
        """Run for some rounds; during an expected outage, for as many turns of the loop."""
        rounds_ended = self.links.tries + rounds
        task = asyncio.ensure_future(self.renewer.run())
        polls = itertools.count()

        def have_ended() -> bool:
            is_paused = self.renewer._outage_expected and next(polls) > rounds
            return self.links.tries >= rounds_ended or is_paused

        await eventually(have_ended, f"{rounds} rounds")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def links() -> FakeLinks:
    return FakeLinks({"worker-1": [], "worker-2": []})


async def test_a_lease_is_renewed_until_it_is_removed(links: FakeLinks) -> None:
    watched = Watched(links)
    watched.renewer.add("f1", 8_000)
    await watched.watch()
    assert links.asked.count("renew f1") >= 2
    links.asked.clear()
    watched.renewer.remove("f1")
    await watched.watch()
    assert "renew f1" not in links.asked
    assert watched.troubles == []


async def test_a_link_that_the_plan_does_not_have_is_trouble_once(links: FakeLinks) -> None:
    links.create([Link("mine", "[::]:20099", "c:8766")])
    watched = Watched(links)
    await watched.watch()
    assert watched.troubles == ["strange_links"]


async def test_a_fault_that_ended_before_its_time_is_trouble_once(links: FakeLinks) -> None:
    watched = Watched(links)
    links.gone_faults = {"f1"}
    watched.renewer.add("f1", 8_000)
    await watched.watch()
    assert watched.troubles == ["fault_lost"]


async def test_lost_links_are_trouble_and_created_again(links: FakeLinks) -> None:
    watched = Watched(links)
    del links.faults_on["worker-2"]
    await watched.watch()
    assert watched.troubles == ["toxiproxy_forgot"]
    assert set(links.faults_on) == {"worker-1", "worker-2"}


async def test_silence_is_trouble_unless_it_is_expected(links: FakeLinks) -> None:
    watched = Watched(links)
    links.silent = True
    await watched.watch()
    assert "toxiproxy_silent" in watched.troubles
    meant = Watched(links)
    meant.renewer.expect_outage()
    await meant.watch()
    assert meant.troubles == []


async def test_after_its_own_fault_toxiproxy_gets_its_links_back(links: FakeLinks) -> None:
    watched = Watched(links)
    links.faults_on.clear()
    watched.renewer.expect_outage()
    await watched.renewer.wait_until_back()
    assert set(links.faults_on) == {"worker-1", "worker-2"}
    await watched.watch()
    assert watched.troubles == []
