"""Advice: what to change in a scenario, from what was measured; one module for each piece.

Imports `driver.forensics`, `driver.histories`, `driver.metrics` and `driver.scenarios`; pure.
Begin with `advice` (what a piece is); `catalogue` finds the modules, each of which declares an `ADVISER`.
"""

from driver.reference.advice.catalogue import advise
from driver.report.advice import Advice

__all__ = ["Advice", "advise"]
