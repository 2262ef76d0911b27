"""How often the engine started a service's containers again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from driver.observations.address import Target, TargetText, parse_target
from driver.observations.containers import ContainerObservation


class RestartsObservation(ContainerObservation):
    """Restarts by a service's restart policy."""

    name: ClassVar = "restarts"
    summary: ClassVar = "how often the engine restarted a container by its restart policy"
    result: ClassVar = "a number; the sum of several replicas. What a fault starts again is not counted"
    example: ClassVar = "restarts: worker"
    rank: ClassVar = 720

    restarts: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]

    @property
    def target(self) -> Target:
        return parse_target(self.restarts)

    def value(self, name: str, details: Mapping[str, Any]) -> float:
        return float(details["RestartCount"])

    def together(self, values: list[float]) -> float:
        return sum(values)
