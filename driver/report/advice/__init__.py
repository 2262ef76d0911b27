"""Advice: what to change in a scenario, from what was measured; one module for each piece.

Imports `driver.forensics`, `driver.histories`, `driver.metrics` and `driver.scenarios`; pure.
Begin with `advice` (what a piece is); `catalogue` finds the modules, each of which declares an `ADVISER`.
"""

from driver.report.advice.advice import Advice
from driver.report.advice.catalogue import advise

__all__ = ["Advice", "advise"]
