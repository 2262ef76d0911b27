"""Events about a system that keeps no journal of ours: operations of its loads, and readings of observations.

The driver writes them, in journals apart from its own: `load` has every operation, `observer` every reading.
Contents come from the system under test: texts and lists are bounded here.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.events import Event
from wire.limits import Text

KEY_CHARS = 512
VALUE_CHARS = 4_096
MAX_COLUMNS = 64
MAX_ROWS = 200_000
"""Rows of one reading; a larger one is unknown."""

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
"""Outcomes of an operation. FAIL: it certainly has no effect; UNKNOWN: it may have had one."""

BEFORE, DURING, AFTER = "before", "during", "after"
"""Moments of a reading: before the first fault, while the run lasts, after healing and settling."""

TEST_COMMANDS = (
    *("first", "parallel_driver", "serial_driver", "singleton_driver", "anytime", "eventually", "finally"),
)
"""What `op` is of an operation that is a test command, by its kind."""

OUTSIDE_FAULTS = ("first", "eventually", "finally")
"""Those of them that run before the faults, or after them."""

Key = Annotated[str, msgspec.Meta(max_length=KEY_CHARS)]
Value = Annotated[str, msgspec.Meta(max_length=VALUE_CHARS)]
Cell = Value | int | float | bool | None


class Operation(Event, tag="operation", frozen=True):
    """One operation of a load, written when it has ended.

    `load` is the load's name, `op` what was done (`add`, `read`, a method), `key` and `value` its subject and
    what was written or read. It was due at `due_ns`, called at `call_ns` and ended at `return_ns`
    (CLOCK_MONOTONIC). `outcome` is OK, FAIL or UNKNOWN.
    """

    load: Text
    op: Text
    key: Key
    value: Cell
    due_ns: int
    call_ns: int
    return_ns: int
    outcome: Text
    process: int = 0
    detail: Text = ""


class LoadEnded(Event, tag="load_ended", frozen=True):
    """A load ended. `operations` is how many it wrote; `trouble` why it ended before its time."""

    load: Text
    operations: int
    trouble: Text = ""


class Reading(Event, tag="reading", frozen=True):
    """One reading of an observation, requested at `asked_ns`.

    `number` is its value where it is one number; `rows` its table where it is one, under `columns`.
    `moment` is BEFORE, DURING or AFTER. A reading that failed has
    neither, and its reason in `unknown`. A long table is in several lines, `part` of `parts`, of one
    `asked_ns`.
    """

    name: Text
    moment: Text
    asked_ns: int
    number: float | None = None
    columns: Annotated[list[Text], msgspec.Meta(max_length=MAX_COLUMNS)] = msgspec.field(default_factory=list)
    rows: Annotated[list[list[Cell]], msgspec.Meta(max_length=MAX_ROWS)] = msgspec.field(default_factory=list)
    unknown: Text = ""
    part: int = 1
    parts: int = 1


LoadEvent = Operation | LoadEnded
ObserverEvent = Reading
