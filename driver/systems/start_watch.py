"""Waits until a system that starts is ready, and says which of its containers ended the start."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError, EngineGoneError, InterruptedCommandError, NotReadyError
from driver.subprocesses import ask
from driver.systems.readiness import Readiness
from driver.systems.replicas import DoorReplica, ProberReplica, Replica, system_containers

READY_TIMEOUT_S = 180.0
POLL_S = 0.05
_LOG_LINES = 8
_NOT_RUN = (126, 127)
"""Exit codes of a shell, and of the engine, for a command that cannot be run or is not there."""


class StartWatch:
    """Watches the containers of one start."""

    def __init__(self, project: str, sdk: DockerSdk) -> None:
        self._project = project
        self._sdk = sdk
        self._readiness = Readiness()
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """End `wait_ready`, also from another thread."""
        self._interrupted.set()

    def look(self) -> tuple[list[Replica], list[Replica]]:
        """Return the containers that failed, and those that are not ready yet."""
        containers = system_containers(self._sdk.summaries(), self._project)
        found = [*map(self._with_restarts, containers.replicas), *containers.doors]
        failed = [one for one in (*found, *containers.probers) if one.has_failed]
        return failed, self._readiness.waiting(found, time.monotonic())

    def wait_ready(self) -> None:
        """Return when every container is ready. Raises NotReadyError; InterruptedCommandError after
        `interrupt`.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            if self._interrupted.is_set():
                raise InterruptedCommandError("The start of the system was stopped.")
            failed, waiting = self.look()
            if not waiting and not failed:
                return
            late = time.monotonic() > deadline
            if failed or late:
                shown = failed or waiting
                after = "" if failed else f"After {READY_TIMEOUT_S:.0f} s: "
                raise NotReadyError(
                    f"{after}{', '.join(one.condition for one in shown[:4])}.{_last_lines(shown[0])}",
                    "Does it start without doors? docker compose up --wait"
                    if not isinstance(shown[0], DoorReplica | ProberReplica)
                    else "It is the lab's own. Is its image as built? python lab.py build",
                )
            time.sleep(POLL_S)

    def _with_restarts(self, one: Replica) -> Replica:
        """Return a container with its restarts, which decide about those that are not healthy yet."""
        return one if one.health == "healthy" else replace(one, restarts=self._sdk.restarts(one.id))

    def error_of(self, error: EngineError) -> EngineError | NotReadyError:
        """Return the error of a Compose that failed: NotReadyError where a container of the system's failed.

        That follows with the last lines of what it printed. Any other error is the engine's.
        """
        if isinstance(error, EngineGoneError):
            return error
        replicas = system_containers(self._sdk.summaries(), self._project).replicas
        failed = next((one for one in replicas if one.has_failed or self._cannot_be_run(one)), None)
        if failed is None:
            return error
        return NotReadyError(f"{error.sentence}{_last_lines(failed)}", error.hint)

    def _cannot_be_run(self, one: Replica) -> bool:
        """Whether a container that never ran has a command that its image does not have, or cannot run."""
        details = self._sdk.inspect_id(one.id) if one.state == "created" else None
        return details is not None and details["State"].get("ExitCode") in _NOT_RUN


def _last_lines(one: Replica) -> str:
    answer = ask(["docker", "logs", "--tail", str(_LOG_LINES), one.id])
    lines = "".join(f"\n  {line}" for line in answer.text.splitlines())
    return f" The last lines of {one.name}:{lines or ' (none)'}\n"
