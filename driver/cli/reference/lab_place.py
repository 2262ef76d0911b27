"""The reference lab of a project, as the place where a command acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaos.anchor import AnchorEntry
from chaos.targets import CLIENT
from driver.cli import options
from driver.cli.places import or_a_system
from driver.engines.engine import FaultEngine
from driver.errors import NoLabError
from driver.labs.injection_plan import plan_injection
from driver.labs.injection_site import InjectionSite
from driver.reference.labs.injection_site import ReferenceSite
from driver.reference.labs.lab import existing_lab
from driver.scenarios.plan import PlannedFault


class LabPlace:
    """Implements Place for the reference lab of a project."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.words: Sequence[str] = ()
        self.named = f"the lab {project!r}"
        self.subject = "The lab"
        self.new_hint = "Start a new lab: python lab.py down, then up"
        self._engine = options.engine_of(project)

    def engine(self) -> FaultEngine:
        return self._engine

    def site(self) -> InjectionSite:
        try:
            return ReferenceSite(existing_lab(self._engine))
        except NoLabError as error:
            raise or_a_system(error) from None

    def plan(
        self,
        fault: str,
        params: Mapping[str, Any],
        selection: str,
        for_s: float | None,
        seed: int,
        when: AnchorEntry | None = None,
    ) -> tuple[list[PlannedFault], str]:
        workers = sum(one.service == CLIENT for one in self._engine.containers())
        planned = plan_injection(fault, params, selection or "all", for_s, seed, workers, when)
        return planned, f"there are {workers} workers"
