"""The prober of a system that is up: its start, which links it observes, and whether it has seen them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from chaos.prober.events import LinkSeen, StreamOpened
from chaos.prober.settings import LINKS_FILE, ProbedLink, write_links
from driver.errors import EngineError, LinksError, NotReadyError
from driver.files import write_file
from driver.histories.live_journals import LiveJournals
from driver.systems.doors import Door, Peer
from driver.systems.prober_compose import PROBE_PORT, PROBER
from driver.systems.system_links import SystemLinks
from wire.probe import preamble

SEEN_WITHIN_S = 20.0
POLL_S = 0.1
FOLLOW_EVERY_S = 1.0

_log = logging.getLogger("stormlab.prober")


def probed_links(ends: Mapping[str, tuple[str, Peer]], doors: Iterable[Door]) -> list[ProbedLink]:
    """Return the links as the prober reaches them, by name; `ends` are doors and peers by link. Pure."""
    hosts = {door.name: door.probe_host for door in doors}
    return [
        ProbedLink(name, hosts[door], PROBE_PORT, preamble(peer.link))
        for name, (door, peer) in sorted(ends.items())
        if hosts.get(door)
    ]


class ProberProcess(Protocol):
    """The container of a system's prober."""

    def ensure(self, get_image: Callable[[], object]) -> None:
        """Start the prober unless it runs; commands that call this at once start it once.

        `get_image` makes its image where it is missing. Raises LabError.
        """

    def interrupt(self) -> None:
        """End a start that another thread is in."""


class SystemProber:
    """The prober of one system, through its container, its file of links and its journal."""

    def __init__(
        self, doors: Sequence[Door], links: SystemLinks, journals: Path, container: ProberProcess
    ) -> None:
        self._doors = doors
        self._links = links
        self._journals = journals
        self._container = container
        self._probed: dict[str, ProbedLink] = {}

    def observe(self, get_image: Callable[[], object]) -> None:
        """Start the prober unless it runs, and wait until it sees the link of each replica that runs now.

        `get_image` makes its image where it is missing. Raises LabError.
        """
        names = self.follow()
        self._container.ensure(get_image)
        self.wait_seen(names)

    def interrupt(self) -> None:
        """End a start of the prober that another thread is in."""
        self._container.interrupt()

    def follow(self) -> list[str]:
        """Make the link of each replica that runs now, and let the prober observe them; return their names.

        To be called again where replicas may have come or moved, and where a door may have restarted. A link
        whose replica has gone since the first call is still observed: a fault may have ended the replica.
        Raises LinksError, EngineError, and LabError where the file of links cannot be written.
        """
        self._links.create(self._links.wanted())
        found = {link.name: link for link in probed_links(self._links.ends(), self._doors)}
        probed = {**self._probed, **found}
        if probed != self._probed:
            in_order = [probed[name] for name in sorted(probed)]
            write_file(self._journals / PROBER / LINKS_FILE, write_links(in_order))
            self._probed = probed
        return sorted(found)

    async def keep_following(self, every_s: float = FOLLOW_EVERY_S) -> None:
        """Follow again and again until cancelled. Raises LabError where the file cannot be written."""
        while True:
            try:
                await asyncio.to_thread(self.follow)
            except (LinksError, EngineError) as error:
                # A fault may be on a door or on the engine's host; the next call comes soon.
                _log.debug("links: %s", error)
            await asyncio.sleep(every_s)

    def unseen(self, links: Collection[str], since_ns: int) -> list[str]:
        """Return those of these links of which the prober has written nothing since an instant, in order."""
        read = LiveJournals([self._journals], only=PROBER).read()
        opened = {one.link for one in read.of(StreamOpened) if one.at_ns >= since_ns}
        seen = opened | {one.link for one in read.of(LinkSeen) if one.at_ns >= since_ns}
        return sorted(set(links) - seen)

    def wait_seen(self, links: Collection[str], within_s: float = SEEN_WITHIN_S) -> None:
        """Wait until the prober sees every one of these links. Raises NotReadyError."""
        since_ns = time.monotonic_ns()
        deadline = time.monotonic() + within_s
        while unseen := self.unseen(links, since_ns):
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"After {within_s:.0f} s the prober does not see {', '.join(unseen[:4])}.",
                    "It is the lab's own. Is its image as built? python lab.py build",
                )
            time.sleep(POLL_S)
