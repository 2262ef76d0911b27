"""A scenario of the reference system: its own keys beside those of any scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from pydantic import ConfigDict, Field

from chaos.unit_types import Seconds
from driver.reference.workload import MAX_TASKS, Workload
from driver.scenarios.scenario import AnyScenario
from wire.address import MAX_WORKERS
from wire.settings import CoordinatorSettings, WorkerSettings

SETTINGS: Mapping[str, type[msgspec.Struct]] = {"worker": WorkerSettings, "coordinator": CoordinatorSettings}
"""The sections of settings, each with what it takes."""


class ReferenceScenario(AnyScenario):
    """A scenario of the reference system: workers that a coordinator gives tasks."""

    model_config = ConfigDict(title="Scenario")

    workers: Annotated[int, Field(ge=1, le=MAX_WORKERS, description="worker containers")]
    workload: Annotated[
        Workload | None, Field(description="the tasks that are submitted to the coordinator")
    ] = None
    least_cooldown_s: Annotated[
        Seconds | None,
        Field(
            ge=0,
            le=600,
            description="load after the last fault at least, which alone is measured: from then on the load "
            "ends as soon as all that is expected is decided; without it, it lasts for `duration`",
        ),
    ] = None
    placement: Annotated[
        int | dict[str, Any],
        Field(
            description="with --hosts: over how many hosts workers are spread, or which run on which, "
            "like {host-1: 1-4, host-2: 5-6}; a host is then a target too: host-2"
        ),
    ] = 0
    worker: Annotated[dict[str, Any], Field(description="settings of every worker")] = {}
    coordinator: Annotated[dict[str, Any], Field(description="settings of the coordinator")] = {}

    @property
    def clients(self) -> int:
        return self.workers

    def measured_s(self, last_fault_s: float) -> float | None:
        if self.least_cooldown_s is None:
            return None
        return min(self.duration_s, last_fault_s + self.least_cooldown_s)

    def excess(self) -> str:
        count = self.workload.expected(self.duration_s) if self.workload else 0
        return f"expected at most {MAX_TASKS} tasks a run; found {count:.0f}" if count > MAX_TASKS else ""
