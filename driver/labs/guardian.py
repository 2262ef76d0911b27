"""Stands beside Toxiproxy while a run lasts: renews the leases of faults, notices when it forgot them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from driver.errors import LinksError
from driver.labs.links import Link, Links

RENEW_EVERY_S = 2.0
LEASE_MS = 8_000
COME_BACK_S = 30.0
POLL_S = 0.05
FAULT_LOST = "fault_lost"
"""What is reported of a fault that ended while its lease was still renewed."""

_log = logging.getLogger("stormlab.guardian")
OnTrouble = Callable[[str, str], None]
"""Takes what went wrong, and its details."""


class Guardian:
    """Runs as a task (`watch`). `wanted` links must stand; it knows when Toxiproxy is hurt on purpose."""

    def __init__(self, links: Links, wanted: Sequence[Link], on_trouble: OnTrouble) -> None:
        self._links = links
        self._wanted = wanted
        self._on_trouble = on_trouble
        self._leases: dict[str, int] = {}
        self._hurt_on_purpose = False
        self._has_strangers = False

    def keep(self, fault_id: str, lease_ms: int) -> None:
        """Renew a fault's lease from now on."""
        self._leases[fault_id] = lease_ms

    def let_go(self, fault_id: str) -> None:
        """No longer renew it."""
        self._leases.pop(fault_id, None)

    def expect_silence(self) -> None:
        """Toxiproxy itself is under a fault: what it does not answer is no trouble."""
        self._hurt_on_purpose = True

    async def back_again(self) -> None:
        """Toxiproxy's own fault is over: wait until it answers, and make the links that it forgot.

        Raises LinksError.
        """
        for _ in range(round(COME_BACK_S / POLL_S)):
            if await asyncio.to_thread(self._links.is_up):
                break
            await asyncio.sleep(POLL_S)
        await asyncio.to_thread(self._links.put, self._wanted)
        self._hurt_on_purpose = False

    async def watch(self) -> None:
        """Renew and look, until cancelled."""
        while True:
            if not self._hurt_on_purpose:
                await self._look()
            await asyncio.sleep(RENEW_EVERY_S)

    async def _look(self) -> None:
        try:
            standing = await asyncio.to_thread(self._links.count)
            if standing < len(self._wanted):
                # It was restarted: nothing of what it was told is left.
                self._on_trouble(
                    "toxiproxy_forgot", f"{standing} of {len(self._wanted)} links stood; made them again"
                )
                await asyncio.to_thread(self._links.put, self._wanted)
            elif standing > len(self._wanted) and not self._has_strangers:
                self._has_strangers = True
                self._on_trouble("strange_links", f"{standing} links stood; the plan has {len(self._wanted)}")
            for fault_id, lease_ms in list(self._leases.items()):
                await self._renew(fault_id, lease_ms)
        except LinksError as error:
            if not self._hurt_on_purpose:
                self._on_trouble("toxiproxy_silent", error.sentence)

    async def _renew(self, fault_id: str, lease_ms: int) -> None:
        try:
            await asyncio.to_thread(self._links.renew, fault_id, lease_ms)
        except LinksError as error:
            # It may have been ended on purpose while the request was under way.
            if fault_id in self._leases and not self._hurt_on_purpose:
                self.let_go(fault_id)
                self._on_trouble(FAULT_LOST, f"{fault_id} ended before its time: {error.sentence}")
