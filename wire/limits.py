"""Size limits of everything that travels. Each limit is defined once here, and the largest frame follows from
the others.

    a frame ≤ FRAME_ROOM_BYTES, passed by the one message that reaches it ≤ MESSAGE_BYTES, and
    FRAME_MESSAGES small fields that the room does not count

Whatever is accepted, a checkpoint or a task's params, fits every frame that carries it later.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

KIB: Final = 1024
NAME_BYTES: Final = 200
"""Limit of a task's id and of its kind, in UTF-8."""
WORDS_CHARS: Final = 1_000
"""Limit of a reason or a detail, for people."""
ERROR_CHARS: Final = 8_192
"""Limit of a task's error text; the worker cuts off the rest."""
PARAMS_BYTES: Final = 64 * KIB
"""Limit of a task's params, as JSON."""
BULK_BYTES: Final = 512 * KIB
"""Limit of a result's output, and of a checkpoint's state."""
SLOTS_MAX: Final = 1_024
"""Limit of a worker's slots, and of its prefetch."""
HELD_MAX: Final = 2 * SLOTS_MAX
"""Limit of a worker's attempts: running and prefetched ones."""

FRAME_BYTES: Final = 1024 * KIB
"""Limit of a frame as it travels, and after inflating: a frame that does not compress has to fit too."""
FRAME_ROOM_BYTES: Final = 64 * KIB
"""A frame with this many bytes takes no more messages."""
LARGE_BYTES: Final = 16 * KIB
"""A larger frame counts by its bytes until they are durable; for smaller ones the window is the limit."""
FRAME_MESSAGES: Final = 256
"""Limit of numbered messages in one frame."""
ENVELOPES_MAX: Final = 4 * FRAME_MESSAGES
"""Limit of all messages in a received frame."""
UTF8_BYTES: Final = 4
"""The longest UTF-8 character."""
PROOF_MAX_BYTES: Final = 16
"""Limit of an assignment's proof, which the attempt report repeats."""
OVERHEAD_BYTES: Final = 240
"""Room for the other parts of a message: envelope, tag, numbers, lengths."""
MESSAGE_BYTES: Final = PARAMS_BYTES + BULK_BYTES + UTF8_BYTES * ERROR_CHARS + 2 * NAME_BYTES + OVERHEAD_BYTES
"""The largest numbered message: an assignment with its checkpoint, or a result with its error."""
HELD_BYTES: Final = NAME_BYTES + PROOF_MAX_BYTES + 20
"""One attempt in an attempt report."""
PROGRESS_BYTES: Final = 24
"""One attempt in a heartbeat, or in its answer."""
UNNUMBERED_BYTES: Final = HELD_MAX * (HELD_BYTES + PROGRESS_BYTES)
"""An attempt report and a heartbeat. They count as the frame's content, so numbered messages wait for the
next frame.
"""

assert FRAME_ROOM_BYTES + MESSAGE_BYTES + FRAME_MESSAGES * (2 * NAME_BYTES + OVERHEAD_BYTES) < FRAME_BYTES
assert UNNUMBERED_BYTES + KIB < FRAME_BYTES

LINE_BYTES: Final = 64 * KIB
"""Limit of a line of a process's journal. A text that would make it longer is cut."""

Name = Annotated[str, msgspec.Meta(max_length=NAME_BYTES)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARS)]
ErrorText = Annotated[str, msgspec.Meta(max_length=ERROR_CHARS)]
Params = Annotated[bytes, msgspec.Meta(max_length=PARAMS_BYTES)]
Bulk = Annotated[bytes, msgspec.Meta(max_length=BULK_BYTES)]
Text = Annotated[str, msgspec.Meta(max_length=LINE_BYTES)]
Label = Annotated[str, msgspec.Meta(max_length=100)]
"""A worker's name, an id, or one word of a short list."""


def cut(text: str, limit_chars: int) -> str:
    """Return `text`, cut to `limit_chars` characters with an ellipsis at its end where it is longer."""
    return text if len(text) <= limit_chars else text[: limit_chars - 1] + "…"
