"""A standing connection of the prober, as its far end records it. No I/O.

The prober names the connection in the upgrade request, and the far end writes one line when it ends. So both
ends of one connection are known, each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wire.events import Journal, ProbeStreamEnded

STREAM_HEADER = "X-Stormlab-Probe-Stream"
"""Names the connection, at random, so that no other client can end it in the far end's journal."""
_NAME = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(slots=True)
class ProbeStream:
    """One connection: its name ("" without one), the messages that arrived, and the time of the last."""

    name: str = ""
    messages: int = 0
    last_message_ns: int = 0

    def on_message(self, now_ns: int) -> None:
        """Count a message that arrived."""
        self.messages += 1
        self.last_message_ns = now_ns

    def write_end(self, journal: Journal, how: str) -> None:
        """Write the line of its end; none for a connection without a name."""
        if self.name:
            journal(
                ProbeStreamEnded, stream=self.name, how=how, messages=self.messages,
                last_message_ns=self.last_message_ns,
            )  # fmt: skip


def stream_named(values: Sequence[str]) -> ProbeStream:
    """Return the connection that the values of STREAM_HEADER name; without a name where they are invalid."""
    return ProbeStream(values[0] if len(values) == 1 and _NAME.fullmatch(values[0]) else "")


def end_kind(*, was_closed: bool, cause: BaseException | None) -> str:
    """Return how a connection ended: closed (by a close frame, or by the far end), rst or fin.

    Args:
        was_closed: a close frame was received, or the far end closed it.
        cause: the error of the socket, if there was one.
    """
    if was_closed:
        return "closed"
    # After a reset the kernel reports a broken pipe where the next call is a write.
    return "rst" if isinstance(cause, ConnectionResetError | BrokenPipeError) else "fin"
