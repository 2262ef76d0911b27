"""The prober: python -m chaos.prober."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from chaos.prober.all_links import NAME, AllLinks, FollowedFile
from chaos.prober.far_end import FarEnd
from chaos.prober.probe_rate import ProbeWindow, read_windows
from chaos.prober.settings import LINKS_FILE, ProbedLink, ProberSettings, read_links
from wire.events import Journal, ProcessStarted, ProcessStopping
from wire.journal_chain import JournalWriter

WINDOW_FILE = "prober.watch"
_READ_EVERY_S = 0.25


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


async def probe_all(
    settings: ProberSettings,
    journal: Journal,
    windows: FollowedFile[list[ProbeWindow]],
    links: FollowedFile[tuple[ProbedLink, ...]],
) -> None:
    """Observe every link until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.far_end_port:
        await FarEnd(journal).listen("0.0.0.0", settings.far_end_port)
    observed = AllLinks(settings, journal)
    while not stop.is_set():
        links.refresh()
        windows.refresh()
        observed.follow(links.value)
        observed.set_rates(time.monotonic_ns(), windows.value)
        observed.raise_errors()
        try:
            async with asyncio.timeout(_READ_EVERY_S):
                await stop.wait()
        except TimeoutError:
            pass
    observed.stop()


def main() -> None:
    """Read the environment, and observe."""
    settings = read_settings(os.environ.get("STORMLAB_PROBER", ""))
    folder = Path(os.environ.get("JOURNAL_DIR", "/journal"))
    journal = Journal(NAME, appender(folder / f"{NAME}.jsonl"), time.monotonic_ns, time.time)
    journal(
        ProcessStarted,
        role=NAME,
        incarnation=secrets.token_hex(8),
        settings=msgspec.Raw(msgspec.json.encode(settings)),
    )
    windows = FollowedFile[list[ProbeWindow]](folder / WINDOW_FILE, read_windows, [])
    links = FollowedFile(folder / LINKS_FILE, read_links, settings.links)
    uvloop.run(probe_all(settings, journal, windows, links))
    journal(ProcessStopping, reason="SIGTERM")


if __name__ == "__main__":
    main()
