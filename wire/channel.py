"""One session's numbered stream, either side: order, replay, acknowledgement, credit. It lives longer than a
connection.

    send ──▶ waiting (by priority) ──take──▶ unacknowledged (by number) ──ack──▶ done
                                                  ▲
                     resume: what the other side lacks is taken again, from here, first

A message gets its number when it is first taken, so an urgent one overtakes those that still wait, and never
one that was sent.
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
    """Ceilings of one channel, in messages and in bytes (of params, outputs, states): of what waits, of what
    is in flight, of a frame. Each may be passed by the one message that reaches it.

    Frames are small, so that on a slow link each is heard as a sign of life; what is in flight is bounded, so
    that a heartbeat never stands behind more than that, and a replay after a reconnect is no flood.
    """

    waiting: int = 10_000
    window: int = 512
    frame_messages: int = FRAME_MESSAGES
    waiting_bytes: int = 64 * 1024 * 1024
    window_bytes: int = 512 * 1024
    frame_bytes: int = FRAME_ROOM_BYTES


class QueueFullError(Exception):
    """The channel holds as many waiting messages as it may; the message was not taken."""


class Channel:
    """Numbers what goes out, keeps it until acknowledged, and lets each number in once and in order.

    The caller says when what came in may be acknowledged (`commit`): the coordinator after its disk has it.
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

        Raises QueueFullError when too many wait; `always` is for what must never be refused (results).
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
        """The next frame: `unnumbered` first, then what must be sent again, then what waits, as far as credit
        goes.
        """
        envelopes = [Envelope(0, message) for message in unnumbered]
        room_bytes = self._bounds.frame_bytes
        for message in unnumbered:
            room_bytes -= bulk_bytes(message)
        most = self._bounds.frame_messages
        while len(envelopes) < most and room_bytes > 0 and (queued := self._next(now_ns)) is not None:
            room_bytes -= queued.bulk_bytes
            envelopes.append(Envelope(queued.sequence, queued.message))
        return Frame(ack=self._committed, credit=self._bounds.window, envelopes=envelopes)

    def has_more(self) -> bool:
        """Whether another `take` would find a numbered message within the credit."""
        if self._resend_at < len(self._in_flight):
            return self._in_flight[self._resend_at].sequence <= self._peer_limit
        return len(self._waiting) > 0 and self._has_room()

    def replace(self, message: Message, instead: Message) -> None:
        """From now on `instead` is sent in the place of a queued `message`; the other side may have had
        either.
        """
        for queued in (*self._in_flight, *self._waiting):
            if queued.message is message:
                queued.message = instead
                return

    def pending(self) -> Iterator[Message]:
        """Every message that is not acknowledged yet, those in flight first."""
        for queued in self._in_flight:
            yield queued.message
        for queued in self._waiting:
            yield queued.message

    def check(self) -> None:
        """Raise AssertionError where the channel's books disagree with what it holds. O(messages); for tests
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

    # -- coming in -----------------------------------------

    def receive(self, frame: Frame, size_bytes: int = 0) -> tuple[list[Message], list[Message]]:
        """What `frame`, of `size_bytes`, brings: messages to act on, in order, and our own messages that it
        acknowledges.

        Raises FrameError for a number that leaves a gap, an acknowledgement of what was never sent, or more
        bytes that are not committed yet than the other side's window holds. What came twice is counted and
        left out.
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
        # Only a frame that is right as a whole changes anything: what it brought would be lost otherwise.
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
        """Forget what the other side holds, up to `sequence`, and return it. Raises FrameError when it was
        never sent.
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
        """All up to `sequence` is as durable here as this side promises: the next frame acknowledges it."""
        self._committed = max(self._committed, min(sequence, self._received))
        while self._uncommitted and self._uncommitted[0][0] <= self._committed:
            self._uncommitted_bytes -= self._uncommitted.popleft()[1]

    # -- living through connections ------------------------

    def resume(self, peer_received: int, credit: int) -> list[Message]:
        """A new connection of the same session: whatever the other side lacks is to be sent again, in order.

        Returns what it has. What came in and is not committed yet will come again, and be counted as a
        duplicate. Raises FrameError when the other side claims what was never sent.
        """
        acknowledged = self.acknowledge(peer_received)
        self._resend_at = 0
        self._peer_limit = peer_received + credit
        return acknowledged

    def was_sent(self, sequence: int) -> bool:
        """Whether the other side can have all up to `sequence`."""
        return sequence < self._next_sequence

    def restart_incoming(self) -> None:
        """The other side numbers from 1 again (it lost its memory of this direction)."""
        self._received = self._committed = 0
        self._uncommitted.clear()
        self._uncommitted_bytes = 0

    def restart(self, credit: int) -> None:
        """A new session in the same process: nothing numbered stands, and all that is not acknowledged is
        queued anew, in order.
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
        """The last contiguous sequence that came in."""
        return self._received

    @property
    def committed(self) -> int:
        """The last sequence that is acknowledged to the other side."""
        return self._committed

    @property
    def in_flight(self) -> int:
        """Numbered messages that are not acknowledged yet."""
        return len(self._in_flight)

    @property
    def depth(self) -> int:
        """Messages that are not acknowledged yet, waiting ones among them."""
        return len(self._in_flight) + len(self._waiting)

    def _large_bytes(self, arrived: list[Message]) -> int:
        """The bytes of the numbered messages of a large frame. Raises FrameError where they are more than the
        other side may have under way: a window, passed by one message.
        """
        size_bytes = sum(bulk_bytes(message) for message in arrived if type(message) not in UNNUMBERED)
        most_bytes = self._bounds.window_bytes + MESSAGE_BYTES
        if self._uncommitted_bytes + size_bytes > most_bytes:
            raise FrameError(FrameFault.flood, f"more than {most_bytes} bytes are under way unacknowledged")
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
