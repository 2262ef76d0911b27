"""A message that a channel holds until it is acknowledged."""

from __future__ import annotations

import msgspec

from wire.messages import Message
from wire.priority import Priority


class Kept(msgspec.Struct, gc=False):
    """`sequence` is 0 until it is first sent; `always`: it is never dropped to make room."""

    sequence: int
    message: Message
    priority: Priority
    queued_ns: int
    always: bool
    bulk_bytes: int
