"""One session's numbered message stream, the same for either side: order, replay, acknowledgement, credit. A
channel outlives its connections.

    send ──▶ waiting (by priority) ──take──▶ in flight (by number) ──ack──▶ done
                                                  ▲
                     resume: take begins here with what the peer lacks

A message gets its number when it is first taken, so an urgent message overtakes waiting ones, and never one
that was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from wire.errors import FrameError, FrameFault
from wire.limits import FRAME_MESSAGES, FRAME_ROOM_BYTES, LARGE_BYTES, MESSAGE_BYTES
from wire.messages import UNNUMBERED, Envelope, Frame, Message, bulk_bytes
from wire.priority import Priority, PriorityQueue
from wire.queued_message import QueuedMessage


@dataclass(frozen=True)
class Bounds:
    """Limits of one channel, in messages and in bytes (of params, outputs, states): waiting, in flight, and
    in a frame. One message may pass a limit: the one that reaches it.

    Frames are small, so that on a slow link each one shows that the peer is alive. The bytes in flight are
    bounded, so that they delay a heartbeat by no more than that, and a replay after a reconnect stays small.
    """

    waiting: int = 10_000
    window: int = 512
    frame_messages: int = FRAME_MESSAGES
    waiting_bytes: int = 64 * 1024 * 1024
    window_bytes: int = 512 * 1024
    frame_bytes: int = FRAME_ROOM_BYTES


class QueueFullError(Exception):
    """The channel is at its limit of waiting messages; the message was not queued."""


class Channel:
    """Numbers outgoing messages and keeps them until they are acknowledged; passes each incoming message on
    once, in order.

    The caller decides when incoming messages may be acknowledged (`commit`): the coordinator does so once
    they are durable.
    """

    __slots__ = (
        "_bounds", "_committed", "_in_flight", "_in_flight_bytes", "_next_sequence", "_peer_limit",
        "_received", "_resend_at", "_uncommitted", "_uncommitted_bytes", "_waiting", "_waiting_bytes",
        "duplicates", "resent",
    )  # fmt: skip

    def __init__(self, bounds: Bounds = Bounds(), received: int = 0, aged_after_ms: int = 10_000) -> None:
        self._bounds = bounds
        self._waiting: PriorityQueue[QueuedMessage] = PriorityQueue(aged_after_ms)
        self._in_flight: deque[QueuedMessage] = deque()
        self._resend_at = 0
        self._waiting_bytes = 0
        self._in_flight_bytes = 0
        self._next_sequence = 1
        self._received = received
        self._committed = received
        self._uncommitted: deque[tuple[int, int]] = deque()
        self._uncommitted_bytes = 0
        self._peer_limit = 0
        self.resent = 0
        self.duplicates = 0

    # -- going out -----------------------------------------

    def send(
        self, message: Message, priority: Priority, now_ns: int, *, always: bool = False
    ) -> Message | None:
        """Queue a numbered message. Return the background message that was dropped to make room, if any.

        Raises QueueFullError when the channel is at its limit; with `always` it never does (results).
        """
        dropped = None
        if not always and self._is_full():
            dropped = self._waiting.drop_last(Priority.background, lambda queued: not queued.always)
            if dropped is None:
                raise QueueFullError(
                    f"{len(self._waiting)} messages with {self._waiting_bytes} bytes wait; "
                    f"at most {self._bounds.waiting} with {self._bounds.waiting_bytes} may"
                )
            self._waiting_bytes -= dropped.bulk_bytes
        size_bytes = bulk_bytes(message)
        self._waiting_bytes += size_bytes
        self._waiting.put(QueuedMessage(0, message, priority, now_ns, always, size_bytes), priority, now_ns)
        return None if dropped is None else dropped.message

    def take(self, now_ns: int, unnumbered: tuple[Message, ...] = ()) -> Frame:
        """Return the next frame: `unnumbered` first, then messages to send again, then waiting ones, within
        the peer's credit.
        """
        envelopes = [Envelope(0, message) for message in unnumbered]
        room_bytes = self._bounds.frame_bytes
        for message in unnumbered:
            room_bytes -= bulk_bytes(message)
        limit = self._bounds.frame_messages
        while len(envelopes) < limit and room_bytes > 0 and (queued := self._next(now_ns)) is not None:
            room_bytes -= queued.bulk_bytes
            envelopes.append(Envelope(queued.sequence, queued.message))
        return Frame(ack=self._committed, credit=self._bounds.window, envelopes=envelopes)

    def has_more(self) -> bool:
        """Return whether another `take` finds a numbered message within the credit."""
        if self._resend_at < len(self._in_flight):
            return self._in_flight[self._resend_at].sequence <= self._peer_limit
        return len(self._waiting) > 0 and self._has_room()

    def replace(self, message: Message, instead: Message) -> None:
        """Send `instead` in the place of a queued `message` from now on; the peer may have received
        either.
        """
        for queued in (*self._in_flight, *self._waiting):
            if queued.message is message:
                queued.message = instead
                return

    def pending(self) -> Iterator[Message]:
        """Yield every message that is not acknowledged yet, those in flight first."""
        for queued in self._in_flight:
            yield queued.message
        for queued in self._waiting:
            yield queued.message

    def check(self) -> None:
        """Raise AssertionError where counters and contents of the channel disagree. O(messages); for tests
        and simulations.
        """
        self._waiting.check()
        waiting_bytes = sum(queued.bulk_bytes for queued in self._waiting)
        assert self._waiting_bytes == waiting_bytes, f"{waiting_bytes} bytes wait, not {self._waiting_bytes}"
        in_flight_bytes = sum(queued.bulk_bytes for queued in self._in_flight)
        assert self._in_flight_bytes == in_flight_bytes, (
            f"{in_flight_bytes} bytes are in flight, not {self._in_flight_bytes}"
        )
        first = self._next_sequence - len(self._in_flight)
        numbers = [queued.sequence for queued in self._in_flight]
        assert numbers == list(range(first, self._next_sequence)), f"numbers in flight: {numbers}"
        assert 0 <= self._resend_at <= len(self._in_flight), (
            f"{self._resend_at} to resend of {len(self._in_flight)}"
        )
        assert self._committed <= self._received, f"committed {self._committed} of {self._received}"
        before, uncommitted_bytes = self._committed, 0
        for number, size_bytes in self._uncommitted:
            assert before < number <= self._received, f"a large frame up to {number} comes after {before}"
            before, uncommitted_bytes = number, uncommitted_bytes + size_bytes
        assert self._uncommitted_bytes == uncommitted_bytes, (
            f"{uncommitted_bytes} bytes are not committed, not {self._uncommitted_bytes}"
        )

    # -- coming in -----------------------------------------

    def receive(self, frame: Frame, size_bytes: int = 0) -> tuple[list[Message], list[Message]]:
        """Take in `frame` of `size_bytes` (after inflating). Return the new messages, in order, and our own
        messages that it acknowledges.

        Duplicates are counted and left out. Raises FrameError for a gap in the numbers, an acknowledgement of
        a message that was never sent, or more uncommitted bytes than the window allows; the channel is then
        unchanged.
        """
        received, duplicates = self._received, 0
        arrived: list[Message] = []
        for envelope in frame.envelopes:
            message, sequence = envelope.message, envelope.sequence
            if type(message) in UNNUMBERED:
                arrived.append(message)
            elif sequence == received + 1:
                received += 1
                arrived.append(message)
            elif 0 < sequence <= received:
                duplicates += 1
            else:
                raise FrameError(FrameFault.sequence_gap, f"message {sequence} where {received + 1} was due")
        # Only a frame that is valid as a whole changes the channel: its messages would be lost otherwise.
        large_bytes = self._large_bytes(arrived) if size_bytes > LARGE_BYTES else 0
        acknowledged = self.acknowledge(frame.ack)
        if large_bytes:
            self._uncommitted.append((received, large_bytes))
            self._uncommitted_bytes += large_bytes
        self._peer_limit = max(self._peer_limit, frame.ack + frame.credit)
        self._received = received
        self.duplicates += duplicates
        return arrived, acknowledged

    def acknowledge(self, sequence: int) -> list[Message]:
        """Remove and return the messages that the peer has, up to `sequence`. Raises FrameError when
        `sequence` was never sent.
        """
        if sequence >= self._next_sequence:
            raise FrameError(
                FrameFault.ack_from_future, f"ack of {sequence}; the newest sent is {self._next_sequence - 1}"
            )
        done: list[Message] = []
        in_flight = self._in_flight
        while in_flight and in_flight[0].sequence <= sequence:
            queued = in_flight.popleft()
            self._in_flight_bytes -= queued.bulk_bytes
            done.append(queued.message)
        self._resend_at = max(0, self._resend_at - len(done))
        return done

    def commit(self, sequence: int) -> None:
        """Acknowledge all messages up to `sequence` with the next frame: they are durable here."""
        self._committed = max(self._committed, min(sequence, self._received))
        while self._uncommitted and self._uncommitted[0][0] <= self._committed:
            self._uncommitted_bytes -= self._uncommitted.popleft()[1]

    # -- living through connections ------------------------

    def resume(self, peer_received: int, credit: int) -> list[Message]:
        """Continue on a new connection of the same session: messages that the peer lacks are sent again, in
        order.

        Returns the messages that it has. Uncommitted messages of the peer come again, and count as
        duplicates. Raises FrameError when the peer acknowledges a message that was never sent.
        """
        acknowledged = self.acknowledge(peer_received)
        self._resend_at = 0
        self._peer_limit = peer_received + credit
        return acknowledged

    def was_sent(self, sequence: int) -> bool:
        """Return whether all messages up to `sequence` were sent, so that the peer can have them."""
        return sequence < self._next_sequence

    def restart_incoming(self) -> None:
        """Expect the peer's numbers from 1 again, after it lost its state of this direction."""
        self._received = self._committed = 0
        self._uncommitted.clear()
        self._uncommitted_bytes = 0

    def restart(self, credit: int) -> None:
        """Begin a new session in the same process: number from 1 again, and queue all unacknowledged
        messages, in order.
        """
        for queued in reversed(self._in_flight):
            self._waiting.put_back(queued, queued.priority, queued.queued_ns)
        self._in_flight.clear()
        self._waiting_bytes += self._in_flight_bytes
        self._in_flight_bytes = 0
        self._resend_at = 0
        self._next_sequence = 1
        self._peer_limit = credit
        self.restart_incoming()

    @property
    def received(self) -> int:
        """The last contiguous sequence received."""
        return self._received

    @property
    def committed(self) -> int:
        """The last sequence that is acknowledged to the peer."""
        return self._committed

    @property
    def in_flight(self) -> int:
        """The number of messages that were sent and are not acknowledged yet."""
        return len(self._in_flight)

    @property
    def depth(self) -> int:
        """The number of messages that are not acknowledged yet, waiting ones included."""
        return len(self._in_flight) + len(self._waiting)

    def _large_bytes(self, arrived: list[Message]) -> int:
        """Return the bytes of the numbered messages of a large frame. Raises FrameError where the peer has
        more than a window and one message under way.
        """
        size_bytes = sum(bulk_bytes(message) for message in arrived if type(message) not in UNNUMBERED)
        limit_bytes = self._bounds.window_bytes + MESSAGE_BYTES
        if self._uncommitted_bytes + size_bytes > limit_bytes:
            raise FrameError(FrameFault.flood, f"more than {limit_bytes} bytes are under way unacknowledged")
        return size_bytes

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._bounds.waiting or self._waiting_bytes >= self._bounds.waiting_bytes

    def _has_room(self) -> bool:
        return self._next_sequence <= self._peer_limit and self._in_flight_bytes < self._bounds.window_bytes

    def _next(self, now_ns: int) -> QueuedMessage | None:
        if self._resend_at < len(self._in_flight):
            queued = self._in_flight[self._resend_at]
            if queued.sequence > self._peer_limit:
                return None
            self._resend_at += 1
            self.resent += 1
            return queued
        if not self._has_room() or (fresh := self._waiting.take(now_ns)) is None:
            return None
        fresh.sequence = self._next_sequence
        self._next_sequence += 1
        self._waiting_bytes -= fresh.bulk_bytes
        self._in_flight_bytes += fresh.bulk_bytes
        self._in_flight.append(fresh)
        self._resend_at += 1
        return fresh
