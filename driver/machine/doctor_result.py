"""The result of one check of the doctor, and the context that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NOT_CHECKED = "not checked: no engine answers"
MAKE_SETUP = "run `make setup`"


class DoctorStatus(StrEnum):
    """`BAD` stops the lab; `WARN` lets it run, slower or smaller."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class CheckResult:
    """One check's result: its name, status, finding, and its cure where not ok."""

    name: str
    status: DoctorStatus
    found: str
    cure: str = ""


@dataclass(frozen=True)
class MachineContext:
    """Input of every check. `engine` is the version of the engine that answers (None: none), `info` its
    `docker info`, `ports` the (host, port) pairs that the lab publishes on this machine.
    """

    engine: str | None
    info: Mapping[str, object]
    ports: Sequence[tuple[str, int]]


DoctorCheck = Callable[[MachineContext], CheckResult]


def bad_unless(good: bool) -> DoctorStatus:
    """Return OK or BAD, for checks without a WARN."""
    return DoctorStatus.OK if good else DoctorStatus.BAD
