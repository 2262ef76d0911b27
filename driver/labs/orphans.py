"""Restores containers whose injector died: links heal by their leases, containers by whoever comes next."""

from __future__ import annotations

from driver.engines.engine import Engine
from driver.errors import EngineError
from driver.labs.heal import mend
from driver.labs.lab_lock import lock_if_free
from driver.terminal import Terminal

LEFT_BY_FAULTS = ("paused", "unplugged", "limited")
"""What only a fault does. A container that ended may have been ended by its owner, and stays as it is."""


def restore_orphans(engine: Engine, terminal: Terminal) -> None:
    """Undo what a fault left behind, unless a command holds the lab and may undo it."""
    if engine.is_local:
        with lock_if_free(engine.project) as is_free:
            if is_free:
                restore(engine, terminal)


def restore(engine: Engine, terminal: Terminal) -> None:
    """Undo what a fault left behind. The caller holds the lab."""
    for name, hurts in engine.degradations().items():
        for hurt in hurts:
            if hurt not in LEFT_BY_FAULTS:
                continue
            try:
                mend(engine, name, hurt)
            except EngineError as error:
                terminal.warn(
                    f"{name} was left {hurt} by a fault and could not be restored: {error.sentence}"
                )
            else:
                terminal.info(f"Restored {name}, which a fault had left {hurt}.")
