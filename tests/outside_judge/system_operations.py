"""Operations of a load on a foreign system, as Porcupine reads them: registers and queues.

docs/outside_judge.md defines them. They are made from the events, and not from what `driver/claims/` makes of
them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from driver.histories.history import History
from driver.histories.system_events import Operation as LoadOperation

REGISTER = "register"
QUEUES = ("at least once", "at most once", "exactly once")
_WRITES, _READS = {"write", "set", "put", "post"}, {"read", "get"}
_ENQUEUES, _DEQUEUES = {"enqueue", "send", "push", "publish"}, {"dequeue", "receive", "pop", "consume"}


class SystemOperation(msgspec.Struct, frozen=True, kw_only=True, rename={"ret": "return"}):
    """One operation on one key or message, `task`. Instants are nanoseconds; `ret` is None: no answer."""

    op: str
    task: str
    call: int
    ret: int | None
    value: str | None = None
    came_back: str = ""


def lines(name: str, model: str, operations: Sequence[SystemOperation]) -> bytes:
    """A history's header, and a line for each operation."""
    header = msgspec.json.encode({"history": name, "model": model}) + b"\n"
    return header + b"".join(msgspec.json.encode(operation) + b"\n" for operation in operations)


def of_register(history: History, load: str) -> list[SystemOperation]:
    """The reads and writes of a load. A refused one had no effect; an unknown read says nothing."""
    found = []
    for one in _operations(history, load):
        is_write = one.op.lower() in _WRITES
        if not is_write and one.op.lower() not in _READS:
            raise ValueError(f"a register has reads and writes; found {one.op!r}")
        is_answered = one.outcome == "ok"
        if one.outcome != "fail" and (is_answered or is_write):
            found.append(
                SystemOperation(
                    op="write" if is_write else "read", task=f"k{one.key}", value=_text(one.value),
                    call=one.call_ns, ret=one.return_ns if is_answered else None,
                )
            )  # fmt: skip
    return found


def of_queue(history: History, load: str) -> list[SystemOperation]:
    """The enqueues and dequeues of a load, and a last look at each message.

    Dequeues without a message (the queue was empty) are left out: the history must be of a drained queue.
    """
    found: list[SystemOperation] = []
    acknowledged: dict[str, bool] = {}
    end = 0
    for one in _operations(history, load):
        is_enqueue = one.op.lower() in _ENQUEUES
        if not is_enqueue and one.op.lower() not in _DEQUEUES:
            raise ValueError(f"a queue has enqueues and dequeues; found {one.op!r}")
        end = max(end, one.call_ns, one.return_ns)
        if one.outcome == "fail" or not one.key:
            continue
        ret = one.return_ns if one.outcome == "ok" else None
        op = "enqueue" if is_enqueue else "dequeue"
        found.append(SystemOperation(op=op, task=f"k{one.key}", call=one.call_ns, ret=ret))
        acknowledged[one.key] = acknowledged.get(one.key, False) or (is_enqueue and ret is not None)
    return found + [
        SystemOperation(
            op="end", task=f"k{key}", call=end + 1, ret=end + 1, came_back="acknowledged" if is_ok else ""
        )
        for key, is_ok in acknowledged.items()
    ]


def _operations(history: History, load: str) -> list[LoadOperation]:
    return [one for one in history.of(LoadOperation) if one.load == load]


def _text(value: object) -> str | None:
    """A value as text: whole numbers alike, whether they are written as integers, floats or texts."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)
