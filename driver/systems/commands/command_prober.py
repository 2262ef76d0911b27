"""The prober's process of a system of commands, started with the first fault."""

from __future__ import annotations

from collections.abc import Callable

from driver.errors import EngineError
from driver.systems.commands.command_engine import CommandEngine
from driver.systems.prober_compose import PROBER_SERVICE


class CommandProber:
    """Implements `system_prober.ProberProcess` in the supervisor of one system."""

    def __init__(self, engine: CommandEngine) -> None:
        self._engine = engine

    def ensure(self, get_image: Callable[[], object]) -> None:
        """Start the prober unless it runs; the supervisor starts it once for commands that call this at once.

        Nothing is built for it. Raises EngineError.
        """
        if self._runs():
            return
        spec = self._engine.description().prober
        if spec is None:
            raise EngineError("The system has no door, so there is nothing to observe.")
        self._engine.create([spec])
        self._engine.start_all([PROBER_SERVICE])

    def interrupt(self) -> None:
        """Do nothing: a start takes milliseconds."""

    def _runs(self) -> bool:
        found = self._engine.system_containers().prober
        return found is not None and found.is_ready
