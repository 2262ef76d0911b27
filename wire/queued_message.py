"""A message that a channel holds until the peer acknowledges it.

A module of its own: mypyc compiles the channel for simulations, and cannot compile msgspec's structs.
"""

from __future__ import annotations

import msgspec

from wire.messages import Message
from wire.priority import Priority


class QueuedMessage(msgspec.Struct, gc=False):
    """One message of a channel. `sequence` is 0 until it is first sent; a message with `always` is never
    dropped.
    """

    sequence: int
    message: Message
    priority: Priority
    queued_ns: int
    always: bool
    bulk_bytes: int
