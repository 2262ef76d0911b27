"""Starts the prober of the reference lab outside of runs: the proof of a fault by hand needs it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from chaos.prober.events import LinkSeen
from chaos.prober.settings import ProberSettings
from driver.engines.engine import PROBER
from driver.histories.live_journals import LiveJournals
from driver.labs.lab_prober import BEFORE_NS
from driver.reference.labs.lab import Lab
from driver.reference.labs.lifecycle import call_engine
from driver.reference.system import worker_links
from driver.terminal import ProgressView, Terminal
from wire.address import worker_name


async def ensure_prober(lab: Lab, workers: int, terminal: Terminal) -> None:
    """Start the prober, unless one probes the links of all workers. Raises LabError.

    Does nothing where the lab keeps its journals inside the engine: they cannot be read.
    """
    journals = lab.spec.journals
    if journals is None or await asyncio.to_thread(_probes_all, lab, journals, workers):
        return
    terminal.show(ProgressView("starting the prober, which observes faults"))
    settings = msgspec.json.encode(ProberSettings(links=worker_links(workers))).decode()
    await call_engine(lab.engine, lab.engine.ensure_images, (PROBER,), terminal.info)
    await call_engine(lab.engine, lab.engine.up, replace(lab.spec, prober_json=settings), (PROBER,))


def _probes_all(lab: Lab, journals: Path, workers: int) -> bool:
    """Return whether a running prober probes the links of all workers."""
    if not any(one.name == PROBER and one.status == "running" for one in lab.engine.containers()):
        return False
    since_ns = time.monotonic_ns() - BEFORE_NS
    read = LiveJournals([journals], only=PROBER).read()
    seen = {one.link for one in read.of(LinkSeen) if one.at_ns > since_ns}
    return seen.issuperset(worker_name(index) for index in range(1, workers + 1))
