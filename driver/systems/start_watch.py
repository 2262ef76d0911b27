"""Waits until a system that starts is ready, and says which of its containers ended the start."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chaos.explain import shortened
from driver.engines.docker_sdk import DockerSdk
from driver.errors import EngineError, EngineGoneError, InterruptedCommandError, NotReadyError
from driver.subprocesses import ask
from driver.systems.readiness import Readiness
from driver.systems.replicas import DoorReplica, ProberReplica, Replica, system_containers
from driver.systems.resolve_compose import without_doors
from driver.systems.system_request import SystemRequest
from driver.visible import one_line

READY_TIMEOUT_S = 180.0
POLL_S = 0.05
_LOG_LINES = 8
MOST_CHECK_CHARACTERS = 400
_NOT_RUN = (126, 127)
"""Exit codes of a shell, and of the engine, for a command that cannot be run or is not there."""


class StartWatch:
    """Watches the containers of one start of the system of `request`."""

    def __init__(self, project: str, sdk: DockerSdk, request: SystemRequest) -> None:
        self._project = project
        self._hint = f"Does it start without doors? {without_doors(request)}"
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
                    f"{after}{', '.join(one.condition for one in shown[:4])}."
                    f"{self._health_check(shown[0])}{_last_lines(shown[0])}",
                    self._hint
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
        cause = self._health_check(failed)
        # What Compose printed says no more than that it is not healthy.
        said = f"{failed.condition}.{cause}" if cause else error.sentence
        return NotReadyError(f"{said}{_last_lines(failed)}", self._hint)

    def _health_check(self, one: Replica | DoorReplica | ProberReplica) -> str:
        """Return what the health check of a container that is not healthy said last; "" for any other."""
        details = self._sdk.inspect_id(one.id) if one.health in ("unhealthy", "starting") else None
        return "" if details is None else last_health_check(details)

    def _cannot_be_run(self, one: Replica) -> bool:
        """Whether a container that never ran has a command that its image does not have, or cannot run."""
        details = self._sdk.inspect_id(one.id) if one.state == "created" else None
        return details is not None and details["State"].get("ExitCode") in _NOT_RUN


def last_health_check(details: Mapping[str, Any]) -> str:
    """Return how the last health check in a container's details ended and what it printed, bounded and on one
    line, after a space; "" where none has ended.
    """
    checks = (details["State"].get("Health") or {}).get("Log") or ()
    if not checks:
        return ""
    output = shortened(one_line(str(checks[-1].get("Output") or "")), MOST_CHECK_CHARACTERS)
    printed = output.rstrip(".") or "it printed nothing"
    return f" Its health check ended with {checks[-1].get('ExitCode')}: {printed}."


def _last_lines(one: Replica) -> str:
    answer = ask(["docker", "logs", "--tail", str(_LOG_LINES), one.id])
    lines = "".join(f"\n  {line}" for line in answer.text.splitlines())
    return f" The last lines of {one.name}:{lines or ' (none)'}\n"
