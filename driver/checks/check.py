"""A check: its name, claim, parameters and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from driver.checks.finding import Finding, Status
from driver.histories.history import History
from driver.histories.journal_gaps import ALL_ROLES
from driver.metrics import Metrics

Params = Mapping[str, float]
Judge = Callable[[History, Metrics, Params], Finding]
Decided = Callable[[Finding], bool]
"""Whether more load after the last fault cannot alter a finding, of the finding on the history so far."""


def at_planned_end(found: Finding) -> bool:
    """Return False: it is judged of all the load that was planned."""
    return False


def of_any_load(found: Finding) -> bool:
    """Return True: it must hold of a run of any length, and awaits nothing after the last fault."""
    return True


def once_passed(found: Finding) -> bool:
    """Return whether it passed: it awaits that something comes back after the last fault."""
    return found.status is Status.passed


@dataclass(frozen=True)
class Param:
    """One number that a scenario may set for a check, at least `least`. Its name ends with its unit.

    `on_system`: a scenario of a foreign system may set it too.
    """

    default: float
    description: str
    least: float = 0.0
    on_system: bool = True


@dataclass(frozen=True)
class Check:
    """One entry of the catalogue. `always`: judged in every run, also where the scenario does not name it.

    `judge` returns the finding; it may raise, which `run_check` turns into unknown. `requires` are the roles
    whose journals must be whole to prove a failure; with a gap it is unknown. `time_sensitive`: a late
    success fails it too, which is unknown on a machine that was too busy. `fails`: it can return failed; a
    check of the lab itself returns unknown instead. `broken_by` names controls (`driver/controls/`) that are
    tried first to show that it does not always pass. Findings are listed by `rank`, and the first that failed
    is the verdict's reason. `decided` says whether the load may end before its planned end. `on_system`
    judges a run of a foreign system, whose clients are its links; None for a check of what the reference
    system alone does, which no other system has.
    """

    name: str
    claim: str
    judge: Judge
    always: bool = False
    params: Mapping[str, Param] = field(default_factory=dict)
    requires: tuple[str, ...] = ALL_ROLES
    time_sensitive: bool = False
    fails: bool = True
    broken_by: tuple[str, ...] = ()
    rank: int = 1000
    decided: Decided = at_planned_end
    on_system: Judge | None = None
