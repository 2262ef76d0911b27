"""The base of every kind of observation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.model import Strict
from chaos.unit_types import Seconds
from driver.observations.address import Target
from driver.observations.reading import Reader
from driver.systems.system_access import SystemAccess


@dataclass(frozen=True)
class ReadingContext:
    """Where an observation reads: a system that is up, and the folder of the scenario's file."""

    access: SystemAccess
    home: Path


class SystemObservation(Strict):
    """One observation, as in `observe:` of a scenario. A kind is a class in a file of its own.

    `name` is the kind's name and the key that selects it: `sql: "postgresql://db:5432/votes"`. `summary` says
    what is read, `result` what a reading is, `example` is one in YAML.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    result: ClassVar[str]
    example: ClassVar[str]
    rank: ClassVar[int] = 1000

    every_s: Annotated[
        Seconds | None,
        Field(
            ge=0.1,
            le=3600,
            description="how often it is read during the run; without it a number each second, and a table "
            "before the first fault and at the end alone",
        ),
    ] = None
    timeout_s: Annotated[
        Seconds, Field(gt=0, le=600, description="how long one reading may take before it is unknown")
    ] = 5.0

    @property
    @abstractmethod
    def tried(self) -> str:
        """What a reading asks, and whom, for an error; without passwords."""

    @property
    def targets(self) -> Mapping[str, Target]:
        """The service, or the replica of one, that each of its keys names."""
        return {}

    @abstractmethod
    def reader(self, context: ReadingContext) -> Reader:
        """Return what reads it; one thread at a time calls it, as often as needed."""
