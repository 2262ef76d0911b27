"""The status with which a container ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from driver.engines.docker_answers import RUNS
from driver.observations.address import Target, TargetText, parse_target
from driver.observations.containers import ContainerObservation
from driver.observations.reading import ReadingError
from driver.observations.values import shown

RUNNING = -1.0
ENDED = "exited"


class ExitCodeObservation(ContainerObservation):
    """The exit code of a service's container."""

    name: ClassVar = "exit_code"
    summary: ClassVar = "the status with which a container ended"
    result: ClassVar = "a number: -1 while it runs; of several replicas the largest"
    example: ClassVar = "exit_code: migration"
    rank: ClassVar = 700

    exit_code: Annotated[TargetText, Field(description="a service, or one replica like `worker[2]`")]

    @property
    def target(self) -> Target:
        return parse_target(self.exit_code)

    def value(self, name: str, details: Mapping[str, Any]) -> float:
        state = details["State"]
        if state["Status"] in RUNS:
            return RUNNING
        if state["Status"] != ENDED:
            raise ReadingError(f"{name} is {shown(state['Status'])}, and has no exit code")
        return float(state["ExitCode"])

    def together(self, values: list[float]) -> float:
        return max(values)
