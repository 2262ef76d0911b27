"""Observes all links: a prober for each, and the files in which the driver names links and raises rates."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from chaos.prober.link_prober import LinkProber
from chaos.prober.probe_rate import ProbeRate, ProbeWindow, rate_at
from chaos.prober.settings import ProbedLink, ProberSettings
from wire.events import Journal

NAME = "prober"
T = TypeVar("T")


def log(text: str) -> None:
    """Write one line to the console log."""
    print(f"{NAME} {text}", file=sys.stderr, flush=True)


class FollowedFile(Generic[T]):
    """What the driver wrote into a file; read again when the file changes.

    `value` is `absent` without the file. A file that `decode` refuses (ValueError) changes nothing.
    """

    def __init__(self, path: Path, decode: Callable[[bytes], T], absent: T) -> None:
        self._path = path
        self._decode = decode
        self._absent = absent
        self._stamp: tuple[int, int] | None = None
        self.value = absent

    def refresh(self) -> None:
        """Read the file if it changed."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                # Before it is decoded, so that a file that is refused is logged once.
                self._stamp = stamp
                self.value = self._decode(self._path.read_bytes())
        except FileNotFoundError:
            self.value, self._stamp = self._absent, None
        except ValueError as error:
            log(str(error))


class AllLinks:
    """A prober for each link, which ends where the link is gone."""

    def __init__(self, settings: ProberSettings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._rates: dict[str, ProbeRate] = {}
        self._tasks: dict[ProbedLink, asyncio.Task[None]] = {}

    def follow(self, links: Sequence[ProbedLink]) -> None:
        """Observe these links and no others; a link that has another address is observed there."""
        if self._tasks.keys() == set(links):
            return
        for gone in self._tasks.keys() - set(links):
            self._tasks.pop(gone).cancel()
        self._rates = {link.name: self._usual(len(links)) for link in links}
        for link in links:
            if link not in self._tasks:
                self._tasks[link] = asyncio.create_task(self._prober(link).run())
        log(
            f"observes {len(links)} links, {self._usual(len(links)).probes_per_s:g} round trips a second each"
        )

    def set_rates(self, now_ns: int, windows: list[ProbeWindow]) -> None:
        """Set each link's rate for the instant."""
        usual = self._usual(len(self._tasks))
        for name in self._rates:
            rate = rate_at(name, now_ns, usual, windows)
            self._rates[name] = self._settings.limited(rate, len(self._tasks))

    def raise_errors(self) -> None:
        """Raise the error of a prober that ended with one."""
        for task in self._tasks.values():
            if task.done():
                task.result()

    def stop(self) -> None:
        """End all probers."""
        for task in self._tasks.values():
            task.cancel()

    def _usual(self, links: int) -> ProbeRate:
        return self._settings.limited(self._settings.usual, links)

    def _prober(self, link: ProbedLink) -> LinkProber:
        draw = random.Random(f"{self._settings.seed}/{link.name}")
        return LinkProber(link, self._journal, partial(self._rate, link.name), draw)

    def _rate(self, name: str) -> ProbeRate:
        # A prober that is being cancelled may ask once more.
        return self._rates.get(name, self._settings.usual)
