"""An operation's latency is lengthened by an hour."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.system_events import Operation

HOUR_NS = 3_600_000_000_000


def alter(history: History) -> Iterator[Altered]:
    """Let operations be due an hour earlier, then answered an hour later: the last ones first."""
    operations = history.of(Operation)[::-1]
    for what, change in (("due an hour earlier", _early), ("answered an hour later", _late)):
        for some in growing(operations):
            pairs = [(one, change(one)) for one in some]
            yield Altered(f"{several(_name(some[0]), len(some))} {what}", replaced(history, pairs))


def _early(operation: Operation) -> Operation:
    return replace(operation, due_ns=operation.due_ns - HOUR_NS)


def _late(operation: Operation) -> Operation:
    return replace(operation, return_ns=operation.return_ns + HOUR_NS)


def _name(operation: Operation) -> str:
    return f"{operation.op} {operation.key}".strip() or operation.load


CONTROL = Control("operation_late", "An operation takes an hour longer.", alter, (Operation,), rank=350)
