"""Renews the leases of link faults, and creates links again that Toxiproxy lost.

A fault whose lease is not renewed ends by itself, so that no fault outlives a driver that was killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from driver.errors import LinksError
from driver.labs.fault_lab import LinkControl
from driver.labs.toxiproxy_api import Link

RENEW_EVERY_S = 2.0
LEASE_MS = 8_000
FAULT_LOST = "fault_lost"
"""Kind of trouble: a fault ended while its lease was being renewed."""

_log = logging.getLogger("stormlab.leases")
OnTrouble = Callable[[str, str], None]
"""Receives a trouble's kind (fault_lost, toxiproxy_forgot, strange_links, toxiproxy_silent) and details."""


@dataclass(frozen=True)
class LeaseTiming:
    """How often leases are renewed and links are counted; how long, and how often, Toxiproxy's return is
    polled.
    """

    renew_every_s: float = RENEW_EVERY_S
    come_back_s: float = 30.0
    poll_s: float = 0.05


LEASE_TIMING = LeaseTiming()


class LeaseRenewer:
    """Renews leases while `run` runs. `wanted` are the links that Toxiproxy must have.

    Toxiproxy's silence is no trouble while a fault on Toxiproxy itself is announced by `expect_outage`.
    """

    def __init__(
        self,
        links: LinkControl,
        wanted: Sequence[Link],
        on_trouble: OnTrouble,
        timing: LeaseTiming = LEASE_TIMING,
    ) -> None:
        self._timing = timing
        self._links = links
        self._wanted = wanted
        self._on_trouble = on_trouble
        self._leases: dict[str, int] = {}
        self._outage_expected = False
        self._extra_links_reported = False

    def add(self, fault_id: str, lease_ms: int) -> None:
        """Renew a fault's lease from now on, each time for `lease_ms`."""
        self._leases[fault_id] = lease_ms

    def remove(self, fault_id: str) -> None:
        """Stop renewing a fault's lease; unknown faults are ignored."""
        self._leases.pop(fault_id, None)

    def expect_outage(self) -> None:
        """Report nothing until `wait_until_back`, since a fault on Toxiproxy itself begins."""
        self._outage_expected = True

    async def wait_until_back(self) -> None:
        """Wait until Toxiproxy answers, for `come_back_s` at most, and create the links that it lost.

        Raises LinksError.
        """
        for _ in range(round(self._timing.come_back_s / self._timing.poll_s)):
            if await asyncio.to_thread(self._links.is_up):
                break
            await asyncio.sleep(self._timing.poll_s)
        await asyncio.to_thread(self._links.create, self._wanted)
        self._outage_expected = False

    async def run(self) -> None:
        """Renew leases and compare the number of links each `renew_every_s`, until cancelled."""
        while True:
            if not self._outage_expected:
                await self._check()
            await asyncio.sleep(self._timing.renew_every_s)

    async def _check(self) -> None:
        try:
            count = await asyncio.to_thread(self._links.count)
            if count < len(self._wanted):
                # Toxiproxy was restarted and lost all links and faults.
                self._on_trouble(
                    "toxiproxy_forgot", f"{count} of {len(self._wanted)} links existed; created them again"
                )
                await asyncio.to_thread(self._links.create, self._wanted)
            elif count > len(self._wanted) and not self._extra_links_reported:
                self._extra_links_reported = True
                self._on_trouble("strange_links", f"{count} links exist; the plan has {len(self._wanted)}")
            for fault_id, lease_ms in list(self._leases.items()):
                await self._renew(fault_id, lease_ms)
        except LinksError as error:
            if not self._outage_expected:
                self._on_trouble("toxiproxy_silent", error.sentence)

    async def _renew(self, fault_id: str, lease_ms: int) -> None:
        try:
            await asyncio.to_thread(self._links.renew_lease, fault_id, lease_ms)
        except LinksError as error:
            # The fault may have been ended on purpose during the request.
            if fault_id in self._leases and not self._outage_expected:
                self.remove(fault_id)
                self._on_trouble(FAULT_LOST, f"{fault_id} ended before its time: {error.sentence}")
