"""A history as operations on durable tasks, in a form that any checker of linearizability can read.

docs/outside_judge.md defines the operations and their possible outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from driver.histories.history import SERVER, History
from driver.histories.run_timeline import run_timeline
from driver.reference.load_events import SubmitGivenUp
from driver.reference.task_history import task_index
from wire.events import Event, ProcessStarted
from wire.task_events import (
    Assigned,
    CheckpointCommitted,
    Finished,
    ResultAcknowledged,
    ResultRefused,
    TaskDone,
    TaskSubmitted,
)


class Operation(msgspec.Struct, frozen=True, kw_only=True, rename={"ret": "return"}):
    """What one client asked for, or saw, of one task; of all tasks where `task` is "".

    `call` and `ret` (in JSON: `return`) are nanoseconds since the history's first event; None: it never came
    back.
    """

    client: str
    op: str
    task: str = ""
    token: int = 0
    outcome: str = ""
    call: int
    ret: int | None
    came_back: str = ""


def lines(name: str, operations: Sequence[Operation]) -> bytes:
    """A history's header, and a line for each operation."""
    header = msgspec.json.encode({"history": name}) + b"\n"
    return header + b"".join(msgspec.json.encode(operation) + b"\n" for operation in operations)


def operations(history: History) -> list[Operation]:
    """All that a history says of its tasks."""
    found = [*_submissions(history), *_coordinator(history), *_completions(history)]
    tasks = sorted({operation.task for operation in found if operation.task})
    drain = history.view(run_timeline).phases.get("drain")
    is_drained = drain is not None and drain.ended_ns is not None and drain.outcome != "stopped"
    end = _instant(history, history.end_ns) + 1
    came_back = "drained" if is_drained else "stopped"
    return found + [
        Operation(client="reader", op="end", task=task, call=end, ret=end, came_back=came_back)
        for task in tasks
    ]


def _instant(history: History, at_ns: int) -> int:
    return max(0, at_ns - history.begin_ns)


def _submissions(history: History) -> Iterator[Operation]:
    """The driver's: a task may have been handed in from the instant at which it was due."""
    book = history.view(task_index)
    unanswered = {task for given_up in history.of(SubmitGivenUp) for task in given_up.tasks}
    for task, life in book.tasks.items():
        accepted = life.accepted
        if accepted is None and life.submitted is None and task not in unanswered:
            continue
        call = _instant(history, life.intended_ns) if life.intended_ns else 0
        ret = None if accepted is None else _instant(history, accepted.at_ns)
        came_back = "" if accepted is None else "held"
        yield Operation(client="driver", op="submit", task=task, call=call, ret=ret, came_back=came_back)


def _coordinator(history: History) -> Iterator[Operation]:
    """The coordinator's lines, each at its instant."""
    for event in history.by(SERVER):
        operation = _line(event, _instant(history, event.at_ns))
        if operation is not None:
            yield operation


def _line(event: Event, at: int) -> Operation | None:
    match event:
        case ProcessStarted():
            return Operation(client=SERVER, op="restart", call=at, ret=at)
        case TaskSubmitted():
            return Operation(client=SERVER, op="held", task=event.task, call=at, ret=at)
        case Assigned():
            return Operation(
                client=event.worker, op="give", task=event.task, token=event.token, call=at, ret=at
            )
        case CheckpointCommitted():
            return Operation(
                client=event.worker, op="checkpoint", task=event.task, token=event.token, call=at, ret=at
            )
        case TaskDone():
            return Operation(
                client="reader", op="told", task=event.task, token=event.token, outcome=event.outcome,
                call=at, ret=at,
            )  # fmt: skip
    return None


def _completions(history: History) -> Iterator[Operation]:
    """The workers': from the end of an attempt that went well until its result was acknowledged.

    One that was refused may have counted before (a duplicate) or not at all (stale): as one that never came
    back.
    """
    refused = {(event.task, event.token) for event in history.of(ResultRefused)}
    acknowledged: dict[tuple[str, int], ResultAcknowledged] = {}
    for event in history.of(ResultAcknowledged):
        acknowledged.setdefault((event.task, event.token), event)
    for finished in history.of(Finished):
        if finished.error:
            continue
        key = finished.task, finished.token
        answer = acknowledged.get(key)
        ret, came_back = None, "refused" if key in refused else ""
        if answer is not None and key not in refused:
            ret, came_back = _instant(history, answer.at_ns), "acknowledged"
        yield Operation(
            client=finished.by, op="complete", task=finished.task, token=finished.token, outcome="completed",
            call=_instant(history, finished.at_ns), ret=ret, came_back=came_back,
        )  # fmt: skip
