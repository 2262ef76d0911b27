"""Catalogue of checks: each check is one module and one line here."""

from __future__ import annotations

from msgspec.structs import replace

from driver.checks import (
    acknowledged_results_stand,
    agreement_on_connected,
    books_balance,
    converged_after_healing,
    damage_was_not_believed,
    driver_was_punctual,
    every_damaged_frame_noticed,
    faults_were_proved,
    journals_complete,
    lab_was_sound,
    left_in_order,
    links_as_planned,
    no_metastable_state,
    no_process_died,
    no_starvation,
    no_work_repeated,
    no_zombie_effects,
    nothing_counted_twice,
    nothing_lost,
    only_planned_workers,
    order_within_priority,
    traffic_flowed,
    workers_were_cut_off,
)
from driver.checks.check import Check, Params
from driver.checks.finding import Finding, Status, unknown
from driver.histories.history import History
from driver.histories.journal_gaps import gap_among
from driver.histories.machine_load import machine_too_busy
from driver.metrics import Metrics

CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        traffic_flowed.CHECK,
        faults_were_proved.CHECK,
        workers_were_cut_off.CHECK,
        only_planned_workers.CHECK,
        nothing_lost.CHECK,
        nothing_counted_twice.CHECK,
        books_balance.CHECK,
        no_zombie_effects.CHECK,
        no_work_repeated.CHECK,
        acknowledged_results_stand.CHECK,
        journals_complete.CHECK,
        no_process_died.CHECK,
        lab_was_sound.CHECK,
        links_as_planned.CHECK,
        driver_was_punctual.CHECK,
        order_within_priority.CHECK,
        no_starvation.CHECK,
        agreement_on_connected.CHECK,
        converged_after_healing.CHECK,
        no_metastable_state.CHECK,
        every_damaged_frame_noticed.CHECK,
        damage_was_not_believed.CHECK,
        left_in_order.CHECK,
    )
}

ALWAYS: tuple[str, ...] = tuple(check.name for check in CHECKS.values() if check.always)
"""Judged in every run: without them a verdict proves nothing."""


def run_check(check: Check, history: History, metrics: Metrics, params: Params) -> Finding:
    """Return a check's finding. `params` override the check's defaults by name.

    An exception in the check is unknown, with its text. A failure is unknown where a required journal may
    lack lines or, of a check that is time sensitive, where the machine was too busy.
    """
    filled = {name: param.default for name, param in check.params.items()} | dict(params)
    try:
        finding = check.judge(history, metrics, filled)
    except Exception as error:
        return unknown(check.name, f"the check itself raised {type(error).__name__}: {error}")
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
