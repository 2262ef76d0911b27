"""Sizes of everything that travels: each limit stands here once, and the largest frame follows from the
others.

    a frame ≤ FRAME_ROOM_BYTES, passed by the one message that reaches it ≤ MESSAGE_BYTES, and
    FRAME_MESSAGES small fields that the room does not count

Whatever is accepted, a checkpoint or a task's params, fits every frame that is made of it later.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

KIB: Final = 1024
NAME_BYTES: Final = 200
"""A task's id and its kind, in UTF-8."""
WORDS_CHARS: Final = 1_000
"""A reason or a detail, for people."""
ERROR_CHARS: Final = 8_192
"""A task's error text; the rest is cut off where it arises."""
PARAMS_BYTES: Final = 64 * KIB
"""A task's params, as JSON."""
BULK_BYTES: Final = 512 * KIB
"""A result's output, or a checkpoint's state."""
SLOTS_MAX: Final = 1_024
"""A worker's slots, and the attempts that it takes beyond them."""
HELD_MAX: Final = 2 * SLOTS_MAX
"""Attempts that a worker holds: what it runs, and what waits there."""

FRAME_BYTES: Final = 1024 * KIB
"""A frame as it travels, and what it inflates to: one that does not compress has to fit too."""
FRAME_ROOM_BYTES: Final = 64 * KIB
"""A frame that holds so much takes no more messages."""
LARGE_BYTES: Final = 16 * KIB
"""Frames beyond it count by their bytes until they are durable; of smaller ones the window is the bound."""
FRAME_MESSAGES: Final = 256
"""Numbered messages of one frame."""
ENVELOPES_MAX: Final = 4 * FRAME_MESSAGES
"""All messages of a frame that is taken in."""
UTF8_BYTES: Final = 4
"""The longest character."""
PROOF_BYTES: Final = 16
"""What an assignment carries for the inventory to repeat."""
OVERHEAD_BYTES: Final = 240
"""What a message has beside its texts and its bulk: its envelope, its tag, its numbers, the lengths."""
MESSAGE_BYTES: Final = PARAMS_BYTES + BULK_BYTES + UTF8_BYTES * ERROR_CHARS + 2 * NAME_BYTES + OVERHEAD_BYTES
"""The largest numbered message: an assignment with its checkpoint, or a result with its error."""
HELD_BYTES: Final = NAME_BYTES + PROOF_BYTES + 20
"""One attempt in an inventory."""
PROGRESS_BYTES: Final = 24
"""One attempt in a heartbeat, or in its answer."""
UNNUMBERED_BYTES: Final = HELD_MAX * (HELD_BYTES + PROGRESS_BYTES)
"""An inventory and a heartbeat. They count as the frame's content, so numbered messages wait for the next."""

assert FRAME_ROOM_BYTES + MESSAGE_BYTES + FRAME_MESSAGES * (2 * NAME_BYTES + OVERHEAD_BYTES) < FRAME_BYTES
assert UNNUMBERED_BYTES + KIB < FRAME_BYTES

LINE_BYTES: Final = 64 * KIB
"""A line of a process's journal. A text that would make it longer is cut."""

Name = Annotated[str, msgspec.Meta(max_length=NAME_BYTES)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARS)]
ErrorText = Annotated[str, msgspec.Meta(max_length=ERROR_CHARS)]
Params = Annotated[bytes, msgspec.Meta(max_length=PARAMS_BYTES)]
Bulk = Annotated[bytes, msgspec.Meta(max_length=BULK_BYTES)]
Text = Annotated[str, msgspec.Meta(max_length=LINE_BYTES)]
Label = Annotated[str, msgspec.Meta(max_length=100)]
"""A worker's name, an id of ours, or one word of a short list."""


def cut(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with an ellipsis at its end where it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
