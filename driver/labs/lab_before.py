"""The lab that a run finds up: what has to be there again after the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from driver.engines.engine import MONITORS, WORKER, Engine, LabSpec


@dataclass(frozen=True)
class LabBefore:
    """What a lab was started with, its number of workers, and whether Prometheus runs beside it."""

    spec: LabSpec
    workers: int
    monitored: bool


def lab_before(engine: Engine) -> LabBefore | None:
    """The lab that is up; None where there is none, or only what a run left whose driver was killed."""
    spec = engine.found()
    if spec is None or (spec.journals is not None and is_of_a_run(spec.journals)):
        return None
    services = [one.service for one in engine.containers()]
    return LabBefore(spec, services.count(WORKER), any(name in services for name in MONITORS))


def is_of_a_run(journals: Path) -> bool:
    """Whether a lab's folder of journals is that of a run."""
    return (journals.parent / "run.json").is_file()
