"""Catalogue of checks: each module of this package declares one."""

from __future__ import annotations

from msgspec.structs import replace

from driver.checks.check import Check, Params
from driver.checks.finding import Finding, Status, unknown
from driver.histories.history import History
from driver.histories.journal_gaps import gap_among
from driver.histories.machine_load import machine_too_busy
from driver.metrics import Metrics
from wire.declarations import attribute, declarations, named

CHECKS: dict[str, Check] = named(
    declarations(
        "driver.checks",
        attribute("CHECK", Check),
        "`CHECK = Check(…)`",
        besides=("catalogue", "check", "finding", "link_traffic"),
        rank=lambda check: check.rank,
        more=("driver.reference.checks",),
    ),
    lambda check: [(check.name, check)],
)
"""All checks by their names, in the order of their ranks."""

ALWAYS: tuple[str, ...] = tuple(check.name for check in CHECKS.values() if check.always)
"""Judged in every run: without them a verdict proves nothing."""
RAISED = "the check itself raised"


def always_judged(on_system: bool) -> list[str]:
    """Return the checks of ALWAYS that judge the reference system, or a foreign one."""
    return [name for name in ALWAYS if not on_system or CHECKS[name].on_system is not None]


def run_check(check: Check, history: History, metrics: Metrics, params: Params) -> Finding:
    """Return a check's finding. `params` override the check's defaults by name.

    An exception in the check is unknown, with its text. A failure is unknown where a required journal may
    lack lines or, of a check that is time sensitive, where the machine was too busy.
    """
    return with_reservations(check, history, judge_alone(check, history, metrics, params))


def judge_alone(check: Check, history: History, metrics: Metrics, params: Params) -> Finding:
    """Return a check's finding by itself, whatever journals lack and however busy the machine was."""
    filled = {name: param.default for name, param in check.params.items()} | dict(params)
    judge = check.on_system if history.containers else check.judge
    if judge is None:
        return unknown(check.name, "it judges the tasks of the reference system, which this one has not")
    try:
        return judge(history, metrics, filled)
    except Exception as error:
        return unknown(check.name, f"{RAISED} {type(error).__name__}: {error}")


def with_reservations(check: Check, history: History, finding: Finding) -> Finding:
    """Return a check's own finding as it holds in a run: a failure that is not proved is unknown."""
    found = unless_gap(history, finding, check.requires)
    return unless_busy(history, found) if check.time_sensitive or found.status is Status.unknown else found


def unless_busy(history: History, finding: Finding) -> Finding:
    """Return the finding; one that did not pass is unknown where the machine was too busy."""
    busy = history.view(machine_too_busy) if finding.status is not Status.passed else ""
    if not busy:
        return finding
    return replace(finding, status=Status.unknown, because=f"{busy}. {finding.because}")


def unless_gap(history: History, finding: Finding, roles: tuple[str, ...]) -> Finding:
    """Return the finding; a failure is unknown where a journal of `roles` may lack lines."""
    gap = gap_among(history, roles) if finding.status is Status.failed else ""
    if not gap:
        return finding
    return replace(finding, status=Status.unknown, because=f"{finding.because}; but {gap}")
