"""Whether the health check of a service's containers succeeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from driver.observations.address import Target, TargetText, parse_target
from driver.observations.containers import ContainerObservation
from driver.observations.reading import ReadingError


class HealthObservation(ContainerObservation):
    """The engine's health check of a service."""

    name: ClassVar = "health"
    summary: ClassVar = "the health check of a service, as the engine has it"
    result: ClassVar = "a number: 1 healthy, 0 not (or it does not run); of several replicas the smallest"
    example: ClassVar = "health: db"
    rank: ClassVar = 710

    health: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]

    @property
    def target(self) -> Target:
        return parse_target(self.health)

    def value(self, name: str, details: Mapping[str, Any]) -> float:
        check = details["State"].get("Health")
        if check is None:
            raise ReadingError(f"{name} has no health check")
        return float(details["State"]["Status"] == "running" and check["Status"] == "healthy")

    def together(self, values: list[float]) -> float:
        return min(values)
