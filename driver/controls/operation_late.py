"""An operation's latency is lengthened, far beyond the longest of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from chaos.units import format_seconds
from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.system_events import Operation

LEAST_NS = 60_000_000_000
TIMES = 10
"""An operation is longer by so many times the longest of the run, or by LEAST_NS."""


def alter(history: History) -> Iterator[Altered]:
    """Let operations be due earlier, then answered later: the last ones first."""
    operations = history.of(Operation)[::-1]
    longest_ns = max((one.return_ns - one.due_ns for one in operations), default=0)
    more_ns = max(LEAST_NS, TIMES * longest_ns)
    changes: tuple[tuple[str, Callable[[Operation, int], Operation]], ...] = (
        ("due {} earlier", _early),
        ("answered {} later", _late),
    )
    for what, change in changes:
        for some in growing(operations):
            pairs = [(one, change(one, more_ns)) for one in some]
            how = what.format(format_seconds(more_ns / 1e9))
            yield Altered(f"{several(_name(some[0]), len(some))} {how}", replaced(history, pairs))


def _early(operation: Operation, more_ns: int) -> Operation:
    return replace(operation, due_ns=operation.due_ns - more_ns)


def _late(operation: Operation, more_ns: int) -> Operation:
    return replace(operation, return_ns=operation.return_ns + more_ns)


def _name(operation: Operation) -> str:
    return f"{operation.op} {operation.key}".strip() or operation.load


CONTROL = Control(
    "operation_late", "An operation takes far longer than all did.", alter, (Operation,), rank=350
)
