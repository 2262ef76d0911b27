"""Prober of a lab outside of runs: a higher rate for links under a fault, and the wait for their baseline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chaos.evidence import LinkWindow
from chaos.prober.probe_rate import read_windows, write_windows
from driver.engines.engine import PROBER
from driver.files import write_file
from driver.histories.live_journals import LiveJournals
from driver.judging.link_records import LinkRecord, link_records
from driver.scenarios.plan import PlannedFault
from driver.scenarios.probe_schedule import WINDOW_FILE, windows_of

ROUND_TRIPS = 3
BURSTS = 1
"""Round trips and bursts that make the baseline of a link."""
BEFORE_NS = 10_000_000_000
BASELINE_WITHIN_S = 12.0
POLL_S = 0.2


def request_probe_rate(
    journals: Path, planned: Sequence[PlannedFault], links: Sequence[str], zero_ns: int
) -> None:
    """Raise the probe rate of those `links` that planned faults hit; other requests that are not over remain.

    `zero_ns` is the time from which the plan counts. Raises LabError where the request cannot be written.
    """
    path = journals / PROBER / WINDOW_FILE
    wanted = windows_of(planned, links, zero_ns)
    with suppress(FileNotFoundError, ValueError):
        now_ns = time.monotonic_ns()
        wanted += [one for one in read_windows(path.read_bytes()) if one.until_ns > now_ns]
    write_file(path, write_windows(wanted))


async def wait_for_baseline(
    journals: LiveJournals,
    planned: Sequence[PlannedFault],
    links: Sequence[str],
    within_s: float = BASELINE_WITHIN_S,
) -> bool:
    """Wait for the baseline of every link, `within_s` at most. Returns whether all have one."""
    bursts = BURSTS if any(one.build().probe_rate_for(one.for_s).burst_bytes for one in planned) else 0
    deadline = time.monotonic() + within_s
    while True:
        records = link_records(await asyncio.to_thread(journals.read))
        now_ns = time.monotonic_ns()
        windows = [records.get(link, LinkRecord()).window(now_ns - BEFORE_NS, now_ns) for link in links]
        if all(_has_baseline(window, bursts) for window in windows):
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)


def _has_baseline(window: LinkWindow, bursts: int) -> bool:
    return len(window.trips) >= ROUND_TRIPS and len(window.flows) + len(window.downs) >= bursts
