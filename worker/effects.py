"""All that the core asks the world to do. The core decides, the shell does; a simulation does it its own
way.
"""

from __future__ import annotations

import msgspec

from wire.handshake import Hello
from wire.messages import Assign, Checkpoint


class Connect(msgspec.Struct, frozen=True, gc=False):
    """Dial. Whatever comes of it is reported with this `connection` number; older numbers count for
    nothing.
    """

    connection: int
    attempt: int
    hello: Hello


class Disconnect(msgspec.Struct, frozen=True, gc=False):
    """End this connection, or the dialling of it, with a WebSocket close code. The core has moved on
    already.
    """

    connection: int
    code: int
    reason: str


class StartAttempt(msgspec.Struct, frozen=True, gc=False):
    """Run this, from `checkpoint` where there is one."""

    assign: Assign
    checkpoint: Checkpoint | None


class StopAttempt(msgspec.Struct, frozen=True, gc=False):
    """Stop running this; nothing that it still says is heard."""

    task_id: str
    token: int
    reason: str


class SaveCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """Write the state of this attempt as it stands after `step` finished steps, then report it."""

    task_id: str
    token: int
    step: int


class ForgetCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """The task's checkpoint here is of no more use."""

    task_id: str


class Stop(msgspec.Struct, frozen=True, gc=False):
    """The worker ends; `exit_code` is the process's."""

    exit_code: int
    reason: str


Effect = Connect | Disconnect | StartAttempt | StopAttempt | SaveCheckpoint | ForgetCheckpoint | Stop
