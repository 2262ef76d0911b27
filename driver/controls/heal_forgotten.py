"""The heal after the faults was not verified, or the lab had trouble of its own."""

from __future__ import annotations

from collections.abc import Iterator

from driver.controls.control import Altered, Control, when
from driver.histories.events import Healed, LabTrouble
from driver.histories.history import DRIVER, History
from driver.histories.run_timeline import run_timeline


def alter(history: History) -> Iterator[Altered]:
    """Take all heals out; then claim trouble of the lab itself."""
    run = history.view(run_timeline)
    if run.faults and history.of(Healed):
        yield Altered("the heal not verified", history.altered(history.of(Healed), []))
    at_ns = (run.zero_ns + run.end_ns) // 2
    trouble = LabTrouble(at_ns=at_ns, wall_s=0.0, by=DRIVER, what="claimed by a control", detail="")
    yield Altered(f"trouble of the lab {when(history, at_ns)}", history.altered([], [trouble]))


CONTROL = Control(
    "heal_forgotten", "The lab did not heal, or had trouble.", alter, (Healed, LabTrouble), rank=250
)
