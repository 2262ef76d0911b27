"""Restores containers whose injector died: links heal by their leases, containers by whoever comes next."""

from __future__ import annotations

from driver.engines.engine import Engine
from driver.errors import EngineError
from driver.labs.heal import mend
from driver.labs.hold import is_held
from driver.terminal import Terminal

LEFT_BY_FAULTS = ("paused", "unplugged", "limited")
"""What only a fault does. A container that ended may have been ended by its owner, and stays as it is."""


def restore_orphans(engine: Engine, terminal: Terminal) -> None:
    """Undo what a fault left behind, unless whoever did it is alive and will undo it."""
    if not engine.is_local or is_held(engine.project):
        return
    for name, hurts in engine.hurts().items():
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
                terminal.say(f"Restored {name}, which a fault had left {hurt}.")
