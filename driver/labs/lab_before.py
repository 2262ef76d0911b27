"""The lab that a run finds up, and that is up again after it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from driver.engines.engine import MONITORS, WORKER, Engine, LabSpec
from driver.errors import LabError
from driver.labs.bring_up import bring_up, take_down
from driver.labs.journals_of_lab import fresh_journals
from driver.terminal import Terminal


@dataclass(frozen=True)
class LabBefore:
    """What a lab was started with, its number of workers, and whether Prometheus runs beside it."""

    spec: LabSpec
    workers: int
    monitored: bool = False


def lab_before(engine: Engine) -> LabBefore | None:
    """The lab that is up; None where there is none, or only what a run left whose driver was killed."""
    spec = engine.existing_spec()
    if spec is None or (spec.journals is not None and is_of_a_run(spec.journals)):
        return None
    services = [one.service for one in engine.containers()]
    return LabBefore(spec, services.count(WORKER), any(name in services for name in MONITORS))


async def leave_up(engine: Engine, lab: LabBefore, terminal: Terminal) -> None:
    """Start a fresh lab like `lab`, as `up` does; only warn where that fails: the run has its verdict."""
    terminal.info(f"Leaving a fresh lab {engine.project!r} with {lab.workers} workers up.")
    try:
        if await asyncio.to_thread(engine.containers):
            await take_down(engine, terminal)
        # What happens from now on is no part of the run's journals.
        fresh = await asyncio.to_thread(
            engine.reserve_addresses, replace(lab.spec, journals=fresh_journals(engine))
        )
        made = await bring_up(engine, fresh, lab.workers, terminal)
        if lab.monitored:
            await asyncio.to_thread(engine.up, made.spec, MONITORS)
    except LabError as error:
        terminal.warn(f"The lab {engine.project!r} could not be left up, and is down: {error.sentence}")
        await take_down(engine, terminal)


def is_of_a_run(journals: Path) -> bool:
    """Whether a lab's folder of journals is that of a run."""
    return (journals.parent / "run.json").is_file()
