"""Checks: named claims about a run, one module each, and the finding that each returns.

Imports `driver.histories`, `driver.metrics` and `wire`; pure: a history and numbers in, a finding out.
Begin with `check` and `finding`; `catalogue` lists the checks and runs one.
"""

from driver.checks.catalogue import (
    ALWAYS,
    CHECKS,
    always_judged,
    judge_alone,
    run_check,
    unless_busy,
    unless_gap,
    with_reservations,
)

__all__ = [
    "ALWAYS",
    "CHECKS",
    "always_judged",
    "judge_alone",
    "run_check",
    "unless_busy",
    "unless_gap",
    "with_reservations",
]
