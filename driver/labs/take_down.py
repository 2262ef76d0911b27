"""Takes a lab down: stops its containers in order, then removes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from driver.engines.engine import Engine
from driver.engines.many_hosts import ManyHosts
from driver.errors import EngineError, EngineGoneError, LabError
from driver.terminal import ProgressView, Terminal

STOP_GRACE_S = 5.0
_log = logging.getLogger("stormlab.down")


@dataclass(frozen=True)
class RemovedLab:
    """Result of taking a lab down: the number of containers before, and what remains.

    `unreachable`: a sentence for each host that did not answer, on which something may still run.
    """

    containers: int
    left: list[str]
    unreachable: Sequence[str] = ()


async def take_down(engine: Engine, terminal: Terminal, grace_s: float = STOP_GRACE_S) -> RemovedLab:
    """Stop the containers in order, then remove everything that belongs to the project.

    Containers that do not stop are removed by force. Raises EngineError.
    """
    containers = await asyncio.to_thread(engine.containers)
    if containers:
        terminal.show(ProgressView(f"taking down {len(containers)} containers"))
    try:
        await asyncio.to_thread(engine.stop_all, grace_s)
    except EngineGoneError:
        raise
    except EngineError as error:
        _log.debug("stopping in order: %s", error)
    left = await asyncio.to_thread(engine.down)
    terminal.clear()
    unreachable = engine.unreachable() if isinstance(engine, ManyHosts) else []
    for sentence in unreachable:
        terminal.warn(sentence)
    return RemovedLab(len(containers), left, unreachable)


def raise_for_leftovers(removed: RemovedLab) -> None:
    """Raise LabError when something remains."""
    if removed.left:
        raise LabError(
            f"Still there after taking the lab down: {', '.join(removed.left[:8])}.",
            "Try again: python lab.py down",
        )
