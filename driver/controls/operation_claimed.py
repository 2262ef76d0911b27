"""An acknowledged operation is claimed whose key is nowhere, or a value that was never written is read."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.claims.operations import DEQUEUES, HEADS, READS, is_ok, op_of
from driver.controls.control import Altered, Control, growing, name_of, replaced, several
from driver.histories.history import History
from driver.histories.system_events import Operation

KEY = "key-of-a-control"


def alter(history: History) -> Iterator[Altered]:
    """Claim one more operation of each load and kind, directly before its last one; repeat what was taken
    from a queue; then let reads have returned what nobody wrote.
    """
    last: dict[tuple[str, str], Operation] = {}
    for one in history.of(Operation):
        if is_ok(one):
            last[one.load, op_of(one)] = one
    for (load, op), one in last.items():
        if op not in READS | HEADS | DEQUEUES:
            more = replace(one, key=KEY, value=KEY if isinstance(one.value, str) else one.value)
            change = f"{one.op} {KEY} of {name_of(load)} acknowledged, which is nowhere"
            yield Altered(change, history.altered([], [more]))
    taken = [one for one in history.of(Operation) if is_ok(one) and op_of(one) in DEQUEUES and one.key]
    for one in taken[-1:]:
        yield Altered(f"{name_of(one.key)} taken twice", history.altered([], [replace(one)]))
    reads = [one for one in reversed(history.of(Operation)) if is_ok(one) and op_of(one) in READS]
    for some in growing(reads):
        pairs = [(one, replace(one, value=KEY)) for one in some]
        change = f"{KEY} read from {several(some[0].key, len(some))}, which nothing wrote"
        yield Altered(change, replaced(history, pairs))


CONTROL = Control(
    "operation_claimed", "An acknowledged operation is added that had no effect.", alter, (Operation,),
    rank=345,
)  # fmt: skip
