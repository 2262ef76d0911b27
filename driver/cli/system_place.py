"""The system of a Compose file, as the place where a command acts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos.anchor import AnchorEntry
from driver.cli import options
from driver.engines.engine import FaultEngine
from driver.errors import LabError
from driver.labs.injection_site import InjectionSite
from driver.labs.lab_lock import SYSTEM
from driver.nouns import counted
from driver.paths import shown_path, state_dir
from driver.scenarios.plan import PlannedFault
from driver.systems.running_system import RunningSystem
from driver.systems.system_file import read_system_file
from driver.systems.system_kinds import system_up
from driver.systems.system_request import project_of
from driver.systems.system_site import SystemSite, plan_system_injection

MOST_SYSTEMS = 20
"""Systems of which it is looked whether they are up."""


def system_folder(file: Path) -> Path:
    """Return the folder of the system of a Compose file, which it has while it is up."""
    return state_dir() / "systems" / project_of(file)


def systems_up() -> list[str]:
    """Return the files of the systems that are up, as --system takes them; at most MOST_SYSTEMS are tried."""
    found = []
    for folder in sorted((state_dir() / "systems").glob("*/"))[:MOST_SYSTEMS]:
        with suppress(LabError):
            file = Path(read_system_file(folder, folder.name).files[0])
            system_up(folder.name, folder, file)
            found.append(shown_path(file))
    return found


class SystemPlace:
    """Implements `places.Place` for the system of a Compose file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.project = project_of(file)
        self.words: Sequence[str] = (SYSTEM, str(file.resolve()))
        self.named = f"the system {file}"
        self.subject = "The system"
        self.new_hint = f"Start it again: python lab.py down --system {shlex.quote(str(file))}, then up"

    def running(self) -> RunningSystem:
        """Return the system that is up. Raises NoLabError, EngineError, LabError."""
        return system_up(self.project, system_folder(self._file), self._file)

    def engine(self) -> FaultEngine:
        return self.running().engine

    def site(self) -> InjectionSite:
        return SystemSite(self.running(), options.engine_of_system(self._file).ensure_images)

    def plan(
        self,
        fault: str,
        params: Mapping[str, Any],
        selection: str,
        for_s: float | None,
        seed: int,
        when: AnchorEntry | None = None,
    ) -> tuple[list[PlannedFault], str]:
        running = self.running()
        planned = plan_system_injection(running, fault, params, selection, for_s, seed, when)
        containers = sum(one.replicas for one in running.file.system.services)
        links = len(running.links.wanted())
        return planned, f"there are {counted(containers, 'container')} and {counted(links, 'link')}"
