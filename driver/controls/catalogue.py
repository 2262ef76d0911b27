"""Catalogue of controls: each module of this package declares one."""

from __future__ import annotations

from driver.controls.control import Control
from wire.declarations import attribute, declarations, named

CONTROLS: dict[str, Control] = named(
    declarations(
        "driver.controls",
        attribute("CONTROL", Control),
        "`CONTROL = Control(…)`",
        besides=("catalogue", "control", "final_rows", "reds"),
        rank=lambda control: control.rank,
        more=("driver.reference.controls",),
    ),
    lambda control: [(control.name, control)],
)
"""All controls by their names, in the order of their ranks."""
