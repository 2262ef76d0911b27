"""Starts the services of a system of commands in their order, and says which of them ended the start."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from driver.errors import InterruptedCommandError, NotReadyError
from driver.nouns import counted
from driver.systems.commands.command_containers import CommandDescription, unheard
from driver.systems.commands.command_engine import CommandEngine
from driver.systems.commands.command_file import ENDED, LISTENS
from driver.systems.compose_config import ComposeService
from driver.systems.readiness import Readiness
from driver.systems.replicas import Replica

READY_TIMEOUT_S = 60.0
POLL_S = 0.05
LOG_LINES = 8


class CommandWatch:
    """One start of a system. `services` are those of its file; its processes have been created, and have
    `ready_within_s` to be ready.
    """

    def __init__(
        self,
        engine: CommandEngine,
        description: CommandDescription,
        services: Mapping[str, ComposeService],
        ready_within_s: float = READY_TIMEOUT_S,
    ) -> None:
        self._engine = engine
        self._description = description
        self._services = services
        self._ready_within_s = ready_within_s
        self._readiness = Readiness()
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """End `wait_ready`, also from another thread."""
        self._interrupted.set()

    def wait_ready(self) -> None:
        """Start each service once those are ready on which it depends; return when all are.

        A service with ports is ready when it listens on all of them, another one when it has run for a while
        or has ended with 0. Raises NotReadyError, which has the last lines of the first that is not;
        InterruptedCommandError after `interrupt`.
        """
        deadline = time.monotonic() + self._ready_within_s
        while True:
            if self._interrupted.is_set():
                raise InterruptedCommandError("The start of the system was stopped.")
            found = self._engine.system_containers().replicas
            self._start(found)
            waiting = self._readiness.waiting(found, time.monotonic())
            if failed := [one for one in found if one.has_failed]:
                raise self._error(failed, "")
            if ended := [one for one in found if one.exit_code is not None and self._ports(one)]:
                raise self._error(ended, "")
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise self._error(waiting, f"After {self._ready_within_s:g} s: ")
            time.sleep(POLL_S)

    def _start(self, found: Sequence[Replica]) -> None:
        """Start what has not run and whose servers are as far as it asks for."""
        due = [
            one.name
            for one in found
            if one.state == "created"
            and all(
                _is_as_far(other, how.condition)
                for name, how in self._services[one.service].depends_on.items()
                for other in found
                if other.service == name
            )
        ]
        if due:
            self._engine.start_all(due)

    def _ports(self, one: Replica) -> Sequence[int]:
        return self._description.ports.get(one.name, ())

    def _error(self, shown: Sequence[Replica], after: str) -> NotReadyError:
        tables = self._engine.socket_tables()
        # One that waits for another is not the cause.
        first = sorted(shown, key=lambda one: one.state == "created")[0]
        missing = unheard(self._ports(first), tables[first.name]) if first.name in tables else ""
        what = f"{first.name} {missing}" if missing else first.condition
        more = f", and {counted(len(shown) - 1, 'service')} with it" if len(shown) > 1 else ""
        lines = "".join(
            f"\n  {line.partition(' ')[2]}" for line in self._engine.tail(first.name, LOG_LINES).splitlines()
        )
        ports = "Each port under `ports` or `expose` has to be listened on."
        return NotReadyError(
            f"{after}{what}{more}. The last lines of {first.name}:{lines or ' (none)'}\n",
            ports if missing else f"What it runs is services.{first.service}.run. Does it run by hand?",
        )


def _is_as_far(one: Replica, condition: str) -> bool:
    if condition == ENDED:
        return one.exit_code == 0
    if condition == LISTENS:
        return one.is_ready
    return one.state != "created"
