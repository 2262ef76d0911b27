"""Controls: pure changes of a history under which a finding that passed must not pass, one module each.

Imports `driver.checks`, `driver.histories`, `driver.judging`, `driver.metrics`, `chaos` and `wire`; pure.
Begin with `control`; `catalogue` lists the controls, and `reds` tries them on the findings of a run.
"""

from driver.controls.catalogue import CONTROLS
from driver.controls.reds import with_reds

__all__ = ["CONTROLS", "with_reds"]
