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

from chaos.prober.link_prober import LinkProber
from chaos.prober.probe_rate import ProberSettings, ProbeWindow, rate_at, read_windows, within_limits
from wire.address import link_port, worker_name
from wire.events import Journal, ProcessStarted, ProcessStopping
from wire.journal_chain import JournalWriter

NAME = "prober"
WINDOW_FILE = "prober.watch"
_READ_EVERY_S = 0.25


class WindowFile:
    """The probe windows that the driver wrote; read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self.windows: list[ProbeWindow] = []

    def refresh(self) -> None:
        """Read the file if it changed. A file that is missing means no window; a malformed one changes
        nothing.
        """
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self.windows = read_windows(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            self.windows, self._stamp = [], None
        except ValueError as error:
            log(str(error))


def log(text: str) -> None:
    """Write one line to the console log."""
    print(f"{NAME} {text}", file=sys.stderr, flush=True)


def appender(path: Path) -> Callable[[bytes], None]:
    """Return a function that appends one sealed line to the file at `path`. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    size_bytes = os.fstat(descriptor).st_size
    writer = JournalWriter(size_bytes, partial(os.pread, descriptor), partial(os.write, descriptor))

    def append(line: bytes) -> None:
        writer.write(line)
        writer.flush()

    return append


def read_settings(text: str) -> ProberSettings:
    """Return the settings in STORMLAB_PROBER. Exits with an error where they are invalid."""
    try:
        return msgspec.json.decode(text or "{}", type=ProberSettings)
    except msgspec.MsgspecError as error:
        sys.exit(f"{NAME}: STORMLAB_PROBER: {error}")


async def probe_all(settings: ProberSettings, host: str, journal: Journal, window_file: WindowFile) -> None:
    """Observe every link until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    usual = within_limits(settings.usual, settings)
    links = [worker_name(index) for index in range(1, settings.links + 1)]
    rates = dict.fromkeys(links, usual)
    tasks = [
        asyncio.create_task(
            LinkProber(
                link, host, link_port(index), journal, partial(rates.__getitem__, link),
                random.Random(f"{settings.seed}/{link}"),
            ).run()
        )
        for index, link in enumerate(links, 1)
    ]  # fmt: skip
    log(f"observes {settings.links} links, {usual.probes_per_s:g} round trips a second each")
    while not stop.is_set():
        window_file.refresh()
        now_ns = time.monotonic_ns()
        for link in links:
            rates[link] = within_limits(rate_at(link, now_ns, usual, window_file.windows), settings)
        _end_on_error(tasks)
        try:
            async with asyncio.timeout(_READ_EVERY_S):
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
    """Read the environment, and observe."""
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
    uvloop.run(probe_all(settings, host, journal, WindowFile(folder / WINDOW_FILE)))
    journal(ProcessStopping, reason="SIGTERM")


if __name__ == "__main__":
    main()
