"""The prober of a lab that was started by hand: started with the first fault, so that each can be proved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from chaos.evidence import LinkWindow
from chaos.prober.events import LinkSeen
from chaos.prober.probe_rate import ProberSettings, read_windows, write_windows
from driver.engines.engine import PROBER
from driver.files import write_file
from driver.histories.live_journals import LiveJournals
from driver.judging.link_records import LinkRecord, link_records
from driver.labs.lab import Lab
from driver.labs.lifecycle import call_engine
from driver.scenarios.plan import PlannedFault
from driver.scenarios.probe_schedule import WINDOW_FILE, windows_of
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name

ROUND_TRIPS = 3
"""So many round trips of a link show how it is without the fault."""
BURSTS = 1
BEFORE_NS = 10_000_000_000
KNOWN_WITHIN_S = 12.0
POLL_S = 0.2


async def ensure_prober(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Start the prober where none watches the links of all workers. Raises EngineError."""
    journals = lab.spec.journals
    if journals is None or await asyncio.to_thread(_watches, lab, journals, workers):
        return
    terminal.show(ProgressView("starting the prober, which observes faults"))
    settings = msgspec.json.encode(ProberSettings(links=workers)).decode()
    await call_engine(lab.engine, lab.engine.ensure_images, (PROBER,), terminal.info)
    await call_engine(lab.engine, lab.engine.up, replace(lab.spec, prober_json=settings), (PROBER,))


def look_closer(journals: Path, planned: Sequence[PlannedFault], workers: int, zero_ns: int) -> None:
    """Have the prober look closer at the links while these faults last, as long as others asked for, too."""
    path = journals / PROBER / WINDOW_FILE
    wanted = windows_of(planned, workers, zero_ns)
    with suppress(FileNotFoundError, ValueError):
        now_ns = time.monotonic_ns()
        wanted += [watch for watch in read_windows(path.read_bytes()) if watch.until_ns > now_ns]
    write_file(path, write_windows(wanted))


async def usual_is_known(recent: LiveJournals, planned: Sequence[PlannedFault], links: Sequence[str]) -> bool:
    """Wait until the prober has seen every link without the fault, for a bounded time; whether it has."""
    bursts = BURSTS if any(one.build().probe_rate_for(one.for_s).burst_bytes for one in planned) else 0
    deadline = time.monotonic() + KNOWN_WITHIN_S
    while True:
        records = link_records(await asyncio.to_thread(recent.read))
        now_ns = time.monotonic_ns()
        windows = [records.get(link, LinkRecord()).window(now_ns - BEFORE_NS, now_ns) for link in links]
        if all(_is_known(window, bursts) for window in windows):
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)


def _is_known(window: LinkWindow, bursts: int) -> bool:
    return len(window.trips) >= ROUND_TRIPS and len(window.flows) + len(window.downs) >= bursts


def _watches(lab: Lab, journals: Path, workers: int) -> bool:
    """Whether a prober runs that watches the links of all workers."""
    if not any(one.name == PROBER and one.status == "running" for one in lab.engine.containers()):
        return False
    since_ns = time.monotonic_ns() - BEFORE_NS
    read = LiveJournals([journals], only=PROBER).read()
    seen = {one.link for one in read.of(LinkSeen) if one.at_ns > since_ns}
    return seen.issuperset(worker_name(index) for index in range(1, workers + 1))
