"""Named checks, one file each, over a run's history. Pure: a history and numbers in, a finding out."""

from driver.checks.catalogue import ALWAYS, CHECKS, run_check, unless_busy, unless_gap

__all__ = ["ALWAYS", "CHECKS", "run_check", "unless_busy", "unless_gap"]
