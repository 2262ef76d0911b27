"""Every message that travels between coordinator and worker. A message is a small typed struct; its tag is
its name.

Structs are arrays on the wire (MessagePack), so a field may only be added at the end, with a default.
Times named `*_ns` are monotonic nanoseconds of the process that wrote them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.limits import (
    BULK_BYTES,
    ENVELOPES_MAX,
    HELD_BYTES,
    HELD_MAX,
    PARAMS_BYTES,
    PROGRESS_BYTES,
    PROOF_BYTES,
    UTF8_BYTES,
    Bulk,
    ErrorText,
    Name,
    Params,
    Words,
)
from wire.priority import Priority

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""What is written to a disk has 63 bits; a frame with more is refused as a whole."""
Digest = Annotated[bytes, msgspec.Meta(max_length=32)]
Proof = Annotated[bytes, msgspec.Meta(max_length=PROOF_BYTES)]


class Checkpoint(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The state of a task after `step` finished steps; `sha256` is over `state`."""

    step: Count
    state: Bulk
    sha256: Digest


class Assign(msgspec.Struct, tag="assign", array_like=True, frozen=True, gc=False):
    """Coordinator → worker: run this attempt. `params` is the JSON text that was submitted, passed on
    untouched.

    `token` fences: it grows with every attempt of the whole fleet, through restarts of the coordinator.
    `reached_step` is the furthest step that an older attempt reported, so that work done again is counted.
    `proof` is opaque to the worker, which repeats it in each inventory: it shows to a coordinator that lost
    its memory that this attempt was given to this very process.
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
    """Coordinator → worker: stop this attempt; whatever it still says counts as stale."""

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
    """Coordinator → worker: I am leaving; come back after `reconnect_after_ms`, your own slot in a staggered
    row.
    """

    reconnect_after_ms: int
    reason: Words


class Progress(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How far an attempt is; `step` counts finished steps and grows only while work is really done."""

    token: int
    step: Count


class Heartbeat(msgspec.Struct, tag="heartbeat", array_like=True, frozen=True, gc=False):
    """Worker → coordinator, never numbered: I am here, and this is how far my attempts are."""

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
    """Worker → coordinator, first on every connection, never numbered: all attempts that I hold at this
    moment. What is missing here, and was not sent to me on this connection, I do not have.
    """

    held: Annotated[list[HeldAttempt], msgspec.Meta(max_length=HELD_MAX)]


class AttemptResult(msgspec.Struct, tag="result", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: an attempt's end. `output` is JSON text; `error` is "" when it went well.

    `queued_ns`, `started_ns` and `ended_ns` are the worker's clock; `redone_steps` were done before by an
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
    """Worker → coordinator: keep this for whoever runs the task next."""

    task_id: Name
    token: int
    checkpoint: Checkpoint


class ReturnTask(msgspec.Struct, tag="hand_back", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: I give this attempt back unfinished (drain, lease ran out, too many, another
    process has my name).
    """

    task_id: Name
    token: int
    reason: Words


class Goodbye(msgspec.Struct, tag="goodbye", array_like=True, frozen=True, gc=False):
    """Worker → coordinator: I leave for good, and hold nothing any more."""

    reason: Words


class DrainNotice(msgspec.Struct, tag="leaving", array_like=True, frozen=True, gc=False):
    """Worker → coordinator, never numbered: I am draining, so give me nothing more. Said when the drain
    begins, and after each inventory until the goodbye.
    """


ToWorker = Assign | Revoke | LeasesRenewed | GoAway
ToCoordinator = (
    Heartbeat | AttemptReport | AttemptResult | CheckpointSaved | ReturnTask | Goodbye | DrainNotice
)
Message = ToWorker | ToCoordinator

UNNUMBERED: frozenset[type[Message]] = frozenset((Heartbeat, LeasesRenewed, AttemptReport, DrainNotice))
"""Messages that are worthless or wrong when late: they are never numbered, kept or sent again."""

MAX_BULK_BYTES = BULK_BYTES
"""The most that a result's output or a checkpoint's state may hold, so that it fits a frame."""
MAX_PARAMS_BYTES = PARAMS_BYTES
"""The most that a task's params may hold."""


def bulk_bytes(message: Message) -> int:
    """Return the bytes of `message` that can be many, at the most: params, output, state, texts, lists."""
    if isinstance(message, Assign):
        return len(message.params) + (len(message.checkpoint.state) if message.checkpoint else 0)
    if isinstance(message, AttemptResult):
        return len(message.output) + UTF8_BYTES * len(message.error)
    if isinstance(message, CheckpointSaved):
        return len(message.checkpoint.state)
    if isinstance(message, AttemptReport):
        return HELD_BYTES * len(message.held)
    if isinstance(message, Heartbeat):
        return PROGRESS_BYTES * len(message.progress)
    if isinstance(message, LeasesRenewed):
        return PROGRESS_BYTES * len(message.tokens)
    return 0 if isinstance(message, DrainNotice) else UTF8_BYTES * len(message.reason)


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message with its number in the session (1, 2, …), or 0 for an unnumbered one."""

    sequence: int
    message: Message


class Frame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one WebSocket message holds: envelopes, and what the sender has of the other side's.

    `ack` is the last contiguous sequence that the sender received and made as durable as it promises;
    `credit` is how many sequences beyond `ack` it is ready to take.
    """

    ack: int
    credit: int
    envelopes: Annotated[list[Envelope], msgspec.Meta(max_length=ENVELOPES_MAX)]
