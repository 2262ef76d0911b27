"""Starts a foreign system without doors: to compare with it, and to see on which ports it listens."""

from __future__ import annotations

from driver.engines.engine import Say
from driver.errors import EngineError, LabError
from driver.systems.compose_config import system_of
from driver.systems.compose_yaml import as_yaml
from driver.systems.failed_start import down_after
from driver.systems.lab_of_system import SystemLab
from driver.systems.plain_compose import plain_document
from driver.systems.resolve_compose import resolve
from driver.systems.start_watch import StartWatch
from driver.systems.system import System
from driver.systems.system_compose import UP_TIMEOUT_S, SystemCompose
from driver.systems.system_request import SystemRequest

PLAIN = "-plain"


def plain_project(project: str) -> str:
    """Return the project of a system without doors, beside that with doors."""
    return f"{project}{PLAIN}"


class PlainLab(SystemLab):
    """The lab of one system without doors, in a project of its own."""

    def start(self, request: SystemRequest, say: Say) -> System:
        """Start a system, and return when all of it is ready; return it as its file and images describe it.

        Raises NotReadyError where it does not become ready, EngineError and other LabErrors; nothing is left.
        """
        config = resolve(request.files, request.profiles)
        self.down()
        compose = SystemCompose(self._project, request.files, request.profiles, self._generated)
        try:
            self._images.get(config, compose, self._generated, say)
            self._write(as_yaml(plain_document(config, self._project)))
            watch = StartWatch(self._project, self._sdk, request)
            try:
                compose("up", "-d", "--no-build", environment={}, timeout_s=UP_TIMEOUT_S)
            except EngineError as error:
                raise watch.error_of(error) from None
            watch.wait_ready()
            return system_of(config, self._images.exposed_ports(config))
        except BaseException as error:
            if not isinstance(error, LabError):
                say("Taking down what was started.")
            down_after(error, self.down, say)
            raise
