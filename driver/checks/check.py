"""What a check is: a name, what it claims, the parameters it takes, and a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from driver.checks.finding import Finding
from driver.histories.history import History
from driver.histories.journal_gaps import EVERYBODY
from driver.metrics import Metrics

Params = Mapping[str, float]
Judge = Callable[[History, Metrics, Params], Finding]


@dataclass(frozen=True)
class Param:
    """One number that a scenario may set for a check.

    Units stand last in its name; it may not be below `least`.
    """

    default: float
    means: str
    least: float = 0.0


@dataclass(frozen=True)
class Check:
    """One entry of the catalogue. `always`: judged in every run, whether its scenario asks or not.

    `rests_on`: whose journals must be whole for a failure to be proved; with a gap in them it is unknown.
    `takes_time`: it fails also for what was right but late, which is unknown on a machine that was too busy.
    """

    name: str
    claims: str
    judge: Judge
    always: bool = False
    params: Mapping[str, Param] = field(default_factory=dict)
    rests_on: tuple[str, ...] = EVERYBODY
    takes_time: bool = False
