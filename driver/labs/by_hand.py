"""One fault on a lab that is up, told from the command line: planned like any other, and always ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.catalogue import FaultError, make
from chaos.fault import Layer
from chaos.targets import CORE, Fleet, TargetError
from driver.engines.engine import WORKER
from driver.errors import LabError, StoppedError, WrongUseError
from driver.interrupts import stoppable
from driver.labs.guardian import Guardian
from driver.labs.hands import LabHands
from driver.labs.heal import heal
from driver.labs.lab import Lab, links_named
from driver.labs.links import Link
from driver.machine.root import state_dir
from driver.runs.container_monitor import ContainerMonitor
from driver.runs.fault_runner import FaultRunner
from driver.runs.journal import JournalFile
from driver.runs.phases import beside
from driver.scenarios.plan import PlannedFault
from driver.terminal import Board, Terminal

LONGEST_S = 3600.0
AT_ONCE_S = 1.0
"""How long a fault without `--for` lasts, where all of it is in its beginning: a kill."""
NOTICE_S = 4.0


def plan_by_hand(
    fault: str, params: Mapping[str, Any], selection: str, for_s: float | None, seed: int, workers: int
) -> list[PlannedFault]:
    """The fault in the stretches in which it comes. Raises WrongUseError for what cannot be."""
    try:
        made = make(fault, params)
        targets = Fleet(workers, seed).select(selection, "by-hand")
    except (FaultError, TargetError) as error:
        raise WrongUseError(
            f"inject {fault}: {error}.", f"See: python lab.py inject {fault} --help"
        ) from None
    core = [name for name in targets if name in CORE]
    if core and made.layer is not Layer.container:
        raise WrongUseError(
            f"inject {fault}: it hurts the links of workers, and {core[0]} has none of its own.",
            "--workers all hurts every link to it.",
        )
    if not made.lasting and for_s is not None:
        raise WrongUseError(f"inject {fault}: it is over in an instant, and takes no --for.")
    until_stopped_s = AT_ONCE_S if made.done_at_once else LONGEST_S
    lasts_s = (until_stopped_s if for_s is None else for_s) if made.lasting else None
    name = f"by-hand-{secrets.token_hex(3)}"
    return [
        PlannedFault(
            id=f"{name}-{number}", entry=name, fault=part.fault.name, params=part.fault.params(),
            targets=targets, at_s=part.at_s, for_s=part.for_s, seed=seed,
        )
        for number, part in enumerate(made.unfold(lasts_s), 1)
    ]  # fmt: skip


async def inject(lab: Lab, planned: list[PlannedFault], terminal: Terminal) -> None:
    """Carry it out, and return when it is over; Ctrl-C ends it early. Raises LabError."""
    workers = [one.name for one in lab.engine.containers() if one.service == WORKER]
    wanted = links_named(lab, workers)
    journal = JournalFile(state_dir() / "by-hand" / lab.engine.project)
    guardian = Guardian(lab.links, wanted, lambda _, detail: terminal.warn(detail))
    monitor = ContainerMonitor(lab.engine, journal)
    runner = FaultRunner(LabHands(lab, guardian), monitor, journal, tuple(planned), NOTICE_S)
    until_ns = time.monotonic_ns() + round(max(fault.end_s for fault in planned) * 1e9)

    async def show() -> None:
        while True:
            left_s = (until_ns - time.monotonic_ns()) / 1e9
            terminal.show(Board("Ctrl-C ends it", faults=runner.shown(), left_s=left_s))
            await asyncio.sleep(1.0)

    async def work() -> None:
        async with beside(guardian.watch(), show()):
            await runner.run(time.monotonic_ns())

    try:
        await stoppable(work(), lambda _: None)
    except StoppedError:
        terminal.say("Ending it now.")
    finally:
        ended = await runner.end_all()
        if not ended or planned[0].made().layer is Layer.container:
            # A fault may have ended its target, which then runs again only when it is started.
            await _heal(lab, wanted)
        terminal.clear()
        journal.close()
    for detail in runner.failed.values():
        raise LabError(f"It could not be done: {detail}")


async def _heal(lab: Lab, wanted: Sequence[Link]) -> None:
    healing = await heal(lab, wanted)
    if healing.left:
        raise LabError(f"Still hurt: {', '.join(healing.left)}.", "Try again: python lab.py heal")
