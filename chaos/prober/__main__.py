"""The prober: python -m chaos.prober."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from chaos.prober.look import ProberSettings, Watch, look_at, read_watches, shared
from chaos.prober.stream import LinkProber
from wire.address import link_port, worker_name
from wire.events import Journal, ProcessStarted, ProcessStopping
from wire.journal_chain import resumed

NAME = "prober"
WATCH_FILE = "prober.watch"
_LOOK_EVERY_S = 0.25


class WatchFile:
    """What the driver wrote about where to look closer; read again whenever it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.watches: list[Watch] = []

    def refresh(self) -> None:
        """Take what the file says now. One that is not there, or half written, changes nothing."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self.watches = read_watches(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            self.watches, self._stamp = [], None
        except ValueError as error:
            say(str(error))


def say(text: str) -> None:
    """One line for people."""
    print(f"{NAME} {text}", file=sys.stderr, flush=True)


def appender(path: Path) -> Callable[[bytes], None]:
    """Appends one line to the file at `path`, sealed, at each call."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    chain = resumed(os.fstat(descriptor).st_size, partial(os.pread, descriptor))

    def append(line: bytes) -> None:
        data = memoryview(chain.seal([line]))
        while data:
            data = data[os.write(descriptor, data) :]

    return append


def read_settings(text: str) -> ProberSettings:
    """Settings from STORMLAB_PROBER. Exits with a sentence when it cannot be read."""
    try:
        return msgspec.json.decode(text or "{}", type=ProberSettings)
    except msgspec.MsgspecError as error:
        sys.exit(f"{NAME}: STORMLAB_PROBER: {error}")


async def probe_all(settings: ProberSettings, host: str, journal: Journal, watch_file: WatchFile) -> None:
    """Watch every link until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    usual = shared(settings.usual, settings)
    links = [worker_name(index) for index in range(1, settings.links + 1)]
    looks = dict.fromkeys(links, usual)
    tasks = [
        asyncio.create_task(
            LinkProber(
                link, host, link_port(index), journal, partial(looks.__getitem__, link),
                random.Random(f"{settings.seed}/{link}"),
            ).run()
        )
        for index, link in enumerate(links, 1)
    ]  # fmt: skip
    say(f"watches {settings.links} links, {usual.probes_per_s:g} round trips a second each")
    while not stop.is_set():
        watch_file.refresh()
        now_ns = time.monotonic_ns()
        for link in links:
            looks[link] = shared(look_at(link, now_ns, usual, watch_file.watches), settings)
        _end_on_error(tasks)
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await stop.wait()
        except TimeoutError:
            pass
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _end_on_error(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


def main() -> None:
    """Read the environment, and watch."""
    settings = read_settings(os.environ.get("STORMLAB_PROBER", ""))
    folder = Path(os.environ.get("JOURNAL_DIR", "/journal"))
    host = os.environ.get("STORMLAB_LINKS_HOST", "toxiproxy")
    journal = Journal(NAME, appender(folder / f"{NAME}.jsonl"), time.monotonic_ns, time.time)
    journal(
        ProcessStarted,
        role=NAME,
        incarnation=secrets.token_hex(8),
        settings=msgspec.Raw(msgspec.json.encode(settings)),
    )
    uvloop.run(probe_all(settings, host, journal, WatchFile(folder / WATCH_FILE)))
    journal(ProcessStopping, reason="SIGTERM")


if __name__ == "__main__":
    main()
