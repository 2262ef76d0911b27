"""Messages between coordinator and workers: each is a small typed struct.

Structs are arrays on the wire (MessagePack), so a field may only be added at the end, with a default. Times
named `*_ns` are monotonic nanoseconds of the process that wrote them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from wire.limits import (
    ENVELOPES_MAX,
    HELD_BYTES,
    HELD_MAX,
    PROGRESS_BYTES,
    PROOF_MAX_BYTES,
    UTF8_BYTES,
    Bulk,
    ErrorText,
    Name,
    Params,
    Words,
)
from wire.priority import Priority

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""The store has 63 bits; a frame with a larger number is refused as a whole."""
Digest = Annotated[bytes, msgspec.Meta(max_length=32)]
Proof = Annotated[bytes, msgspec.Meta(max_length=PROOF_MAX_BYTES)]


class Checkpoint(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The state of a task after `step` finished steps; `sha256` is over `state`."""

    step: Count
    state: Bulk
    sha256: Digest


class Assign(msgspec.Struct, tag="assign", array_like=True, frozen=True, gc=False):
    """Coordinator → worker: run this attempt. `params` is the JSON text that was submitted, unchanged.

    `token` is the fencing token: it grows with every attempt of the whole fleet, through restarts of the
    coordinator. `reached_step` is the furthest step that an older attempt reported, so that repeated work is
    counted. `proof` is opaque to the worker, which repeats it in each attempt report: it proves to a
    coordinator that lost its memory that this attempt was assigned to this very process.
    """

    task_id: Name
    token: int
    kind: Name
    params: Params
    priority: Priority
    attempt: int
    lease_ms: int
    timeout_ms: int
    checkpoint: Checkpoint | None = None
    reached_step: int = 0
    proof: Proof = b""


class Revoke(msgspec.Struct, tag="revoke", array_like=True, frozen=True, gc=False):
    """Coordinator → worker: stop this attempt; any later message about it is stale."""

    task_id: Name
    token: int
    reason: Words


class LeasesRenewed(msgspec.Struct, tag="leases_renewed", array_like=True, frozen=True, gc=False):
    """Coordinator → worker, the answer to a heartbeat, never numbered.

    `echo_ns` is the heartbeat's `sent_ns`: leases of the named tokens run `lease_ms` from that instant on the
    worker's own clock, so that the answer's travelling time can only shorten a lease.
    """

    echo_ns: int
    lease_ms: int
    tokens: Annotated[list[int], msgspec.Meta(max_length=HELD_MAX)]


class GoAway(msgspec.Struct, tag="go_away", array_like=True, frozen=True, gc=False):
    """Coordinator → worker: the coordinator drains; reconnect after `reconnect_after_ms`, which is staggered
    by worker.
    """

    reconnect_after_ms: int
    reason: Words


class Progress(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The progress of an attempt; `step` counts finished steps."""

    token: int
    step: Count


class Heartbeat(msgspec.Struct, tag="heartbeat", array_like=True, frozen=True, gc=False):
    """Worker → coordinator, never numbered: the worker is alive, with the progress of its attempts."""

    sent_ns: int
    interval_ms: int
    progress: Annotated[list[Progress], msgspec.Meta(max_length=HELD_MAX)]


class HeldAttempt(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An attempt that a worker holds: running, or finished and not yet acknowledged. `proof` is its
    assignment's.
    """

    task_id: Name
    token: int
    proof: Proof = b""


class AttemptReport(msgspec.Struct, tag="inventory", array_like=True, frozen=True, gc=False):
    """Worker → coordinator, first on every connection, never numbered: all attempts that the worker holds at
    this moment. It holds no others, except those assigned on this connection.
    """

    held: Annotated[list[HeldAttempt], msgspec.Meta(max_length=HELD_MAX)]


class AttemptResult(msgspec.Struct, tag="result", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: an attempt's end. `output` is JSON text; `error` is "" on success.

    `queued_ns`, `started_ns` and `ended_ns` are the worker's clock; `redone_steps` were finished before by an
    older attempt.
    """

    task_id: Name
    token: int
    output: Bulk
    error: ErrorText
    queued_ns: Count
    started_ns: Count
    ended_ns: Count
    redone_steps: Count = 0


class CheckpointSaved(msgspec.Struct, tag="checkpoint_saved", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: a checkpoint for the task's next attempt."""

    task_id: Name
    token: int
    checkpoint: Checkpoint


class ReturnTask(msgspec.Struct, tag="hand_back", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: the attempt is returned unfinished (drain, lease ran out, too many, another
    process has this name).
    """

    task_id: Name
    token: int
    reason: Words


class Goodbye(msgspec.Struct, tag="goodbye", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: the worker leaves for good, and holds no attempts."""

    reason: Words


class DrainNotice(msgspec.Struct, tag="leaving", array_like=True, frozen=True, gc=False):
    """Worker → coordinator, never numbered: the worker drains; assign nothing more. Sent when the drain
    begins, and after each attempt report until the goodbye.
    """


ToWorker = Assign | Revoke | LeasesRenewed | GoAway
ToCoordinator = (
    Heartbeat | AttemptReport | AttemptResult | CheckpointSaved | ReturnTask | Goodbye | DrainNotice
)
Message = ToWorker | ToCoordinator

UNNUMBERED: frozenset[type[Message]] = frozenset((Heartbeat, LeasesRenewed, AttemptReport, DrainNotice))
"""Messages that are worthless or wrong when late: they are never numbered, kept or sent again."""


def _assign_bytes(message: Assign) -> int:
    return len(message.params) + (len(message.checkpoint.state) if message.checkpoint else 0)


def _reason_bytes(message: Revoke | GoAway | ReturnTask | Goodbye) -> int:
    return UTF8_BYTES * len(message.reason)


_BULK_BYTES: dict[type[Message], Callable[[Any], int]] = {
    Heartbeat: lambda message: PROGRESS_BYTES * len(message.progress),
    LeasesRenewed: lambda message: PROGRESS_BYTES * len(message.tokens),
    Assign: _assign_bytes,
    AttemptResult: lambda message: len(message.output) + UTF8_BYTES * len(message.error),
    CheckpointSaved: lambda message: len(message.checkpoint.state),
    AttemptReport: lambda message: HELD_BYTES * len(message.held),
    DrainNotice: lambda message: 0,
    **dict.fromkeys((Revoke, GoAway, ReturnTask, Goodbye), _reason_bytes),
}


def bulk_bytes(message: Message) -> int:
    """Return an upper limit of the variable part of `message`, in bytes: params, output, state,
    texts, lists.
    """
    return _BULK_BYTES[type(message)](message)


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message with its number in the session (1, 2, …), or 0 for an unnumbered one."""

    sequence: int
    message: Message


class Frame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The content of one WebSocket message: envelopes, and the acknowledgement of the peer's messages.

    `ack` is the last contiguous sequence that the sender received and made durable (the coordinator) or holds
    (a worker); `credit` is the number of sequences beyond `ack` that it accepts.
    """

    ack: int
    credit: int
    envelopes: Annotated[list[Envelope], msgspec.Meta(max_length=ENVELOPES_MAX)]
