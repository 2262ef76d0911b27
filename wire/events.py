"""Events that processes write into their journals: one JSON object a line, each type defined here only.

Every line has `event` (its type), `at_ns` (CLOCK_MONOTONIC), `wall_s` (Unix time, for people) and `by`
(`worker-7`, `coordinator`, …). A process writes an event before it acts on it, so a `kill -9` loses no line
about anything that others may have seen.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wire.limits import LINE_BYTES, Text, cut

ESCAPED_BYTES = 6
"""The longest JSON escape of one character."""
FIGURES_BYTES = 2_048
"""Room for the fields of a line that are not texts."""


class Event(msgspec.Struct, tag_field="event", kw_only=True, frozen=True, gc=False):
    """The fields of every line."""

    at_ns: int
    wall_s: float
    by: Text


class ProcessStarted(Event, tag="process_started", frozen=True):
    """First line of each process life. `epoch` is the coordinator's, else 0."""

    role: Text
    incarnation: Text
    settings: msgspec.Raw
    epoch: int = 0


class ProcessStopping(Event, tag="process_stopping", frozen=True):
    """Last line of a process life that ended in order."""

    reason: Text


# -- a worker's connection ---------------------------------


class BackoffStarted(Event, tag="waiting", frozen=True):
    """The worker waits before its next connection attempt (`attempt` counts from 1 after a loss)."""

    attempt: int
    delay_ms: float
    policy: Text


class Connecting(Event, tag="connecting", frozen=True):
    """A connection attempt begins."""

    attempt: int


class ConnectFailed(Event, tag="connect_failed", frozen=True):
    """A connection attempt ended without a session. `kind`: refused, reset, timeout, dns, status, handshake,
    other.
    """

    attempt: int
    kind: Text
    detail: Text
    status: int = 0
    retry_after_ms: int = 0


class Connected(Event, tag="connected", frozen=True):
    """A session is established. `outcome` is fresh, resumed or reset; `replayed` messages are sent again."""

    attempt: int
    session: Text
    epoch: int
    outcome: Text
    because: Text
    handshake_ms: float
    replayed: int


class ConnectionLost(Event, tag="lost", frozen=True):
    """A connection ended. `kind`: closed (FIN or close frame), reset, heartbeat_timeout, bad_frame,
    superseded, going_away, stopped.

    `silent_ms` is the time since the last frame arrived: the time that the detection took.
    """

    session: Text
    kind: Text
    detail: Text
    silent_ms: float
    code: int = 0


class ReconnectAbandoned(Event, tag="gave_up", frozen=True):
    """The worker stops for good, because a retry can never succeed."""

    reason: Text
    detail: Text


# -- a worker's work ---------------------------------------


class TrafficTotals(Event, tag="traffic", frozen=True):
    """Totals of this process since it started, once a second while they change, and at its end.

    `wire_bytes_*` are the bytes on the sockets, upgrades and frame headers included; `raw_bytes_*` are the
    messages before compression.
    """

    frames_sent: int = 0
    frames_received: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    messages_resent: int = 0
    duplicates_received: int = 0
    raw_bytes_sent: int = 0
    wire_bytes_sent: int = 0
    raw_bytes_received: int = 0
    wire_bytes_received: int = 0
    queue_depth: int = 0


# -- the coordinator ---------------------------------------


class WorkerJoined(Event, tag="worker_joined", frozen=True):
    """A connection of a worker's session was admitted; `incarnation` is the worker process's."""

    worker: Text
    session: Text
    epoch: int
    outcome: Text
    because: Text
    incarnation: Text = ""


class WorkerLost(Event, tag="worker_lost", frozen=True):
    """A worker's connection was lost; its session remains. `kind` as in ConnectionLost."""

    worker: Text
    session: Text
    kind: Text
    detail: Text
    silent_ms: float


class WorkerGone(Event, tag="worker_gone", frozen=True):
    """A session ended: goodbye, expired, or a new process of the same name."""

    worker: Text
    session: Text
    reason: Text


class HandshakeRefused(Event, tag="handshake_refused", frozen=True):
    """A handshake was refused. `worker` is "" where the hello does not prove its name."""

    worker: Text
    reason: Text
    detail: Text
    retry_after_ms: int = 0


class FrameRefused(Event, tag="frame_refused", frozen=True):
    """A damaged, replayed or otherwise invalid frame arrived (on either side) and was discarded as a
    whole.
    """

    peer: Text
    fault: Text
    detail: Text


class RefusalsOmitted(Event, tag="refusals_omitted", frozen=True):
    """Refusals without a line of their own, because too many came: `count` events of `kind` with this cause
    about this worker ("": unknown) since the last such line.
    """

    kind: Text
    worker: Text
    cause: Text
    count: int


class ProbeStreamEnded(Event, tag="probe_stream_ended", frozen=True):
    """A standing connection of the prober ended at its far end, which writes this line. `stream` is the
    prober's name of it; `how`: fin, rst, closed (by a close frame, or by the far end). `messages` had
    arrived, the last one at `last_message_ns` (0: none).
    """

    stream: Text
    how: Text
    messages: int
    last_message_ns: int


EitherEvent = ProcessStarted | ProcessStopping | FrameRefused | ConnectionLost | TrafficTotals
ConnectionEvent = (
    EitherEvent | BackoffStarted | Connecting | ConnectFailed | Connected | ReconnectAbandoned
    | WorkerJoined | WorkerLost | WorkerGone | HandshakeRefused | RefusalsOmitted | ProbeStreamEnded
)  # fmt: skip
"""Events of processes and their connections, of any system."""


class Journal:
    """Encodes events as lines. `write` takes one whole line; the clocks are arguments, so that a simulation
    can pass its own.

    Lines end in a newline, and each is passed on in one call, so that no other writer can split one that is
    appended. A line longer than `line_bytes` has its texts cut.

    Calling the journal is the short way. Events that every task causes are made with the time of `now`, and
    appended: that takes a quarter of the time.
    """

    def __init__(
        self,
        by: str,
        write: Callable[[bytes], object],
        monotonic_ns: Callable[[], int],
        wall_s: Callable[[], float],
        line_bytes: int = LINE_BYTES,
    ) -> None:
        self.by = by
        self._line_bytes = line_bytes
        self._write = write
        self._monotonic_ns = monotonic_ns
        self._wall_s = wall_s
        self._encoder = msgspec.json.Encoder()

    def __call__(self, kind: type[Event], /, **fields: object) -> None:
        """Append one event of `kind`, at this instant. (Positional, because events have fields of these
        names.)
        """
        self.append(kind(at_ns=self._monotonic_ns(), wall_s=self._wall_s(), by=self.by, **fields))

    def now(self) -> tuple[int, float]:
        """Return `at_ns` and `wall_s` of this instant."""
        return self._monotonic_ns(), self._wall_s()

    def append(self, event: Event) -> None:
        """Append one event, made with the time of `now` and the name `by`."""
        line = self._encoder.encode(event)
        if len(line) >= self._line_bytes:
            line = self._encoder.encode(shortened(event, self._line_bytes))
        self._write(line + b"\n")


def shortened(event: Event, line_bytes: int) -> Event:
    """Return `event` with each text cut to an equal part of `line_bytes`, even if every character has to be
    escaped.
    """
    texts = {
        name: value for name in event.__struct_fields__ if isinstance(value := getattr(event, name), str)
    }
    limit = (line_bytes - FIGURES_BYTES) // (ESCAPED_BYTES * len(texts))
    return msgspec.structs.replace(event, **{name: cut(text, limit) for name, text in texts.items()})
