"""Whether an observation stays wrong when nothing is asked of the system any more. Pure.

A machine that is too busy makes a system slow: what it has to do is done late. It is no reason for a number
that gets no better in a system that has nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable

from driver.histories.history import History
from driver.histories.readings import final_reading, readings_of
from driver.histories.system_events import Operation

LEAST_S = 5.0
"""How long the system has had nothing to do."""


def lasts(history: History, observation: str, margin: Callable[[float], float]) -> bool:
    """Return whether the final reading is wrong, and no better than the first one after the load.

    `margin` is a number's distance from its bound, negative where it is wrong. False where the history does
    not show it: without a load, with readings that are unknown, or less than LEAST_S apart.
    """
    final = final_reading(history, observation)
    ended_ns = max((one.return_ns for one in history.of(Operation)), default=None)
    if final is None or final.number is None or ended_ns is None:
        return False
    after = (one for one in readings_of(history, observation) if one.asked_ns >= ended_ns)
    first = next((one for one in after if one.number is not None), None)
    if first is None or first.number is None or final.asked_ns - first.at_ns < LEAST_S * 1e9:
        return False
    return margin(final.number) < 0 and margin(final.number) <= margin(first.number)
