"""What the doctor's questions look at and how they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NOT_ASKED = "not asked: no engine answers"
MAKE_SETUP = "run `make setup`"


class Status(StrEnum):
    """`BAD` stops the lab; `WARN` lets it run, slower or smaller."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Answer:
    """One line of the doctor's: what was asked, how it stands, what was found, the cure where not ok."""

    name: str
    status: Status
    found: str
    cure: str = ""


@dataclass(frozen=True)
class Patient:
    """What every question may look at.

    `engine` is the version of the one that answers, `info` its `docker info`, `ports` the (host, port) pairs
    that the lab wants to publish on this machine.
    """

    engine: str | None
    info: Mapping[str, object]
    ports: Sequence[tuple[str, int]]


Question = Callable[[Patient], Answer]


def bad_unless(good: bool) -> Status:
    """For questions that know no middle."""
    return Status.OK if good else Status.BAD
