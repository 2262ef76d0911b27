"""Operations of loads, by load and by what they do to the system. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from driver.claims.cells import key_of, listed
from driver.claims.claim import Field
from driver.histories.history import History
from driver.histories.system_events import FAIL, OK, Operation
from driver.nouns import counted

READS = frozenset({"read", "get"})
HEADS = frozenset({"head"})
"""Reads that answer without a value."""
WRITES = frozenset({"write", "set", "put", "post"})
DEQUEUES = frozenset({"dequeue", "receive", "pop", "consume"})
ENQUEUES = frozenset({"enqueue", "send", "push", "publish"})
"""What `op` says, in small letters."""


def by_load(history: History) -> dict[str, list[Operation]]:
    """Return the operations of each load, in the order of their calls."""
    found: dict[str, list[Operation]] = {}
    for operation in history.of(Operation):
        found.setdefault(operation.load, []).append(operation)
    for operations in found.values():
        operations.sort(key=lambda one: (one.call_ns, one.return_ns))
    return found


def of_load(history: History, load: str) -> list[Operation]:
    """Return a load's operations; of all loads for ""."""
    found = history.view(by_load)
    if load:
        return found.get(load, [])
    return [operation for operations in found.values() for operation in operations]


def sent_by(history: History, load: str) -> list[Operation]:
    """Return a load's operations that put something into the system: all but reads and dequeues."""
    return [one for one in of_load(history, load) if op_of(one) not in READS | HEADS | DEQUEUES]


def reads_and_writes(history: History, load: str) -> tuple[list[Operation], str]:
    """Return a load's reads and writes of values, and why they cannot be compared ("" where they can)."""
    found = [one for one in of_load(history, load) if op_of(one) not in HEADS]
    if other := other_ops(found, READS | WRITES):
        return found, f"{load} has operations that neither read nor write: {other}"
    writes = [one for one in found if op_of(one) in WRITES]
    reads = [one for one in found if op_of(one) in READS and is_ok(one)]
    for kind, ones in (("write", writes), ("acknowledged read", reads)):
        if ones and all(one.value is None for one in ones):
            return found, f"no {kind} of {load} has a value: give the load `value:` and `read:`"
    return found, ""


def grouped_by_key(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Return the operations of each key, in their order."""
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        found.setdefault(operation.key, []).append(operation)
    return found


def op_of(operation: Operation) -> str:
    """Return what an operation does, in small letters."""
    return operation.op.lower()


def is_ok(operation: Operation) -> bool:
    """Whether an operation was acknowledged."""
    return operation.outcome == OK


def is_open(operation: Operation) -> bool:
    """Whether an operation may have had an effect, or not: unknown, and any outcome that is no other."""
    return operation.outcome not in (OK, FAIL)


def key_in(operation: Operation, field: Field) -> str | None:
    """Return what `LOAD.key` or `LOAD.value` is of an operation; None for no value."""
    return operation.key if field.name == "key" else key_of(operation.value)


def repeated_keys(operations: Iterable[Operation], field: Field) -> str:
    """Return a sentence on keys that several operations have; "" where each has its own."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for operation in operations:
        key = key_in(operation, field)
        if key is not None and key in seen:
            twice[key] = None
        elif key is not None:
            seen.add(key)
    if not twice:
        return ""
    return (
        f"{field} is not unique: {counted(len(twice), 'key')} of several operations "
        f"({listed(list(twice))}); what became of each cannot be told apart"
    )


def other_ops(operations: Iterable[Operation], known: frozenset[str]) -> str:
    """Return the kinds of operations that are not known, as a list for a sentence; "" without any."""
    return listed(sorted({op_of(one) for one in operations} - known))
