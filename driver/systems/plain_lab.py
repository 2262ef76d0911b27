"""Starts a foreign system without doors: to compare with it, and to see on which ports it listens."""

from __future__ import annotations

from driver.errors import EngineError, LabError
from driver.systems.compose_config import system_of
from driver.systems.compose_yaml import as_yaml
from driver.systems.door_compose import DoorOptions
from driver.systems.failed_start import down_after
from driver.systems.lab_of_system import UP_TIMEOUT_S, Say, SystemCompose, SystemLab, SystemRequest
from driver.systems.plain_compose import plain_document
from driver.systems.readiness import Readiness
from driver.systems.resolve_compose import resolve
from driver.systems.system import System

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
            self._get_images(config, DoorOptions(self._image, self._project), compose, say)
            self._write(as_yaml(plain_document(config, self._project)))
            try:
                compose("up", "-d", "--no-build", environment={}, timeout_s=UP_TIMEOUT_S)
            except EngineError as error:
                raise self._with_failed(error) from None
            self._wait_ready(Readiness())
            images = {name: self._sdk.exposed_ports(self._image_of(name, config)) for name in config.services}
            return system_of(config, images)
        except BaseException as error:
            if not isinstance(error, LabError):
                say("Taking down what was started.")
            down_after(error, self.down, say)
            raise
