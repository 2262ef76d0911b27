"""The effects that the core returns. The runtime carries them out; a simulation carries them out in virtual
time.
"""

from __future__ import annotations

import msgspec

from wire.handshake import Hello
from wire.messages import Assign, Checkpoint


class Connect(msgspec.Struct, frozen=True, gc=False):
    """Dial. The outcome is reported with this `connection` number; reports with older numbers have no
    effect.
    """

    connection: int
    attempt: int
    hello: Hello


class Disconnect(msgspec.Struct, frozen=True, gc=False):
    """End this connection, or the dialling of it, with a WebSocket close code (RFC 6455, 7.4)."""

    connection: int
    code: int
    reason: str


class StartAttempt(msgspec.Struct, frozen=True, gc=False):
    """Run an attempt, from `checkpoint` where there is one."""

    assign: Assign
    checkpoint: Checkpoint | None


class StopAttempt(msgspec.Struct, frozen=True, gc=False):
    """Stop an attempt. Its later reports have no effect."""

    task_id: str
    token: int
    reason: str


class SaveCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """Write the attempt's state after `step` finished steps, then report it."""

    task_id: str
    token: int
    step: int


class ForgetCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """Delete the task's checkpoint on this disk."""

    task_id: str


class StopWorker(msgspec.Struct, frozen=True, gc=False):
    """Stop the worker; `exit_code` is the process's."""

    exit_code: int
    reason: str


Effect = Connect | Disconnect | StartAttempt | StopAttempt | SaveCheckpoint | ForgetCheckpoint | StopWorker
