"""The numbered stream against a plain model: lists of waiting messages, and of messages in flight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.channel import Bounds, Channel, QueueFullError
from wire.errors import FrameError
from wire.limits import LARGE_BYTES, MESSAGE_BYTES
from wire.messages import AttemptResult, Envelope, Frame, Heartbeat, Message, Progress
from wire.priority import Priority

INSTEAD = 1_000
BOUNDS = Bounds(waiting=4, window=6, frame_messages=3, waiting_bytes=60, window_bytes=50, frame_bytes=30)


class Plain:
    """What a channel must hold; a message is its own token, its size and its priority."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, Priority, bool]] = []
        self.in_flight: list[tuple[int, int, Priority, bool]] = []
        self.resent = 0
        self.sent = 0
        self.limit = 0

    def is_full(self) -> bool:
        return len(self.waiting) >= BOUNDS.waiting or self.bytes(self.waiting) >= BOUNDS.waiting_bytes

    def droppable(self) -> tuple[int, int, Priority, bool] | None:
        newest = [one for one in self.waiting if one[2] is Priority.background and not one[3]]
        return newest[-1] if newest else None

    @staticmethod
    def bytes(messages: list[tuple[int, int, Priority, bool]]) -> int:
        return sum(size for _, size, _, _ in messages)

    def tokens(self) -> list[int]:
        return [token for token, _, _, _ in (*self.in_flight, *self.waiting)]


def result(token: int, size: int) -> AttemptResult:
    return AttemptResult("t", token, b"x" * size, "", 0, 0, 0)


def token_of(message: Message) -> int:
    assert isinstance(message, AttemptResult)
    return message.token


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ("send", "send", "send", "always", "take", "take", "acknowledge", "resume", "restart", "replace")
        ),
        st.integers(0, 40),
        st.sampled_from((Priority.high, Priority.normal, Priority.background)),
    ),
    max_size=60,
)


@given(ACTS)
def test_whatever_happens_the_channel_holds_what_the_lists_hold(
    acts: list[tuple[str, int, Priority]],
) -> None:
    real, plain = Channel(BOUNDS), Plain()
    real.resume(0, BOUNDS.window)
    plain.limit = BOUNDS.window
    for token, (act, number, priority) in enumerate(acts):
        if act in ("send", "always"):
            _send(real, plain, token, number, priority, always=act == "always")
        elif act == "take":
            _take(real, plain)
        elif act == "replace" and plain.tokens():
            _replace(real, plain, plain.tokens()[number % len(plain.tokens())])
        elif act == "replace":
            real.replace(result(0, 0), result(1, 0))
        elif act == "restart":
            real.restart(BOUNDS.window)
            plain.waiting = plain.in_flight + plain.waiting
            plain.in_flight, plain.resent, plain.sent, plain.limit = [], 0, 0, BOUNDS.window
        else:
            _acknowledge(real, plain, number, is_new=act == "resume")
        real.check()
        assert real.in_flight == len(plain.in_flight)
        assert real.depth == len(plain.tokens())
        assert sorted(map(token_of, real.pending())) == sorted(plain.tokens())
        assert [token_of(m) for m in list(real.pending())[: real.in_flight]] == plain.tokens()[
            : real.in_flight
        ]


def _send(real: Channel, plain: Plain, token: int, size: int, priority: Priority, *, always: bool) -> None:
    message = (token, size, priority, always)
    if not always and plain.is_full():
        dropped = plain.droppable()
        if dropped is None:
            with pytest.raises(QueueFullError):
                real.send(result(token, size), priority, 0)
            return
        plain.waiting.remove(dropped)
    real.send(result(token, size), priority, 0, always=always)
    plain.waiting.append(message)


def _replace(real: Channel, plain: Plain, token: int) -> None:
    """A message keeps its place, its number and its share of the limits; only its content changes."""
    message = next(one for one in real.pending() if token_of(one) == token)
    real.replace(message, result(token + INSTEAD, 0))
    for messages in (plain.in_flight, plain.waiting):
        messages[:] = [(one[0] + INSTEAD * (one[0] == token), *one[1:]) for one in messages]


def _take(real: Channel, plain: Plain) -> None:
    had_more = real.has_more()
    frame = real.take(0)
    assert bool(frame.envelopes) == had_more
    room = BOUNDS.frame_bytes
    for place, envelope in enumerate(frame.envelopes):
        assert place < BOUNDS.frame_messages
        assert room > 0, "a frame is passed by the one message that reaches its bound, and no other"
        assert envelope.sequence <= plain.limit
        token = token_of(envelope.message)
        again = plain.resent < len(plain.in_flight)
        if again:
            message = plain.in_flight[plain.resent]
        else:
            assert plain.bytes(plain.in_flight) < BOUNDS.window_bytes
            message = next(one for one in plain.waiting if one[0] == token)
            same = [one for one in plain.waiting if one[2] is message[2]]
            assert same[0] is message, "order within a priority"
            plain.waiting.remove(message)
            plain.in_flight.append(message)
            plain.sent += 1
        plain.resent += 1
        assert message[0] == token
        assert envelope.sequence == plain.sent - len(plain.in_flight) + plain.resent
        room -= message[1]
    is_full = len(frame.envelopes) == BOUNDS.frame_messages or room <= 0
    assert is_full or not real.has_more(), "a frame that has room takes whatever may go"


def _acknowledge(real: Channel, plain: Plain, number: int, *, is_new: bool) -> None:
    first = plain.sent - len(plain.in_flight)
    sequence = first + number % (len(plain.in_flight) + 1)
    if is_new:
        done = real.resume(sequence, BOUNDS.window)
    else:
        _, done = real.receive(Frame(ack=sequence, credit=BOUNDS.window, envelopes=[]))
    count = sequence - first
    assert [token_of(message) for message in done] == [token for token, *_ in plain.in_flight[:count]]
    plain.in_flight = plain.in_flight[count:]
    plain.resent = 0 if is_new else max(0, plain.resent - count)
    plain.limit = sequence + BOUNDS.window if is_new else max(plain.limit, sequence + BOUNDS.window)


@given(st.lists(st.lists(st.integers(1, 12), max_size=4), max_size=12), st.data())
def test_each_number_comes_in_once_and_in_order(frames: list[list[int]], data: st.DataObject) -> None:
    real, received, committed, duplicates = Channel(), 0, 0, 0
    for numbers in frames:
        order = sorted(numbers)
        fresh = [number for number in order if number > received]
        if fresh and (fresh != list(range(received + 1, received + 1 + len(fresh)))):
            continue
        frame = Frame(ack=0, credit=1, envelopes=[Envelope(number, result(number, 0)) for number in order])
        arrived, _ = real.receive(frame)
        assert [token_of(message) for message in arrived] == fresh
        duplicates += len(order) - len(fresh)
        received += len(fresh)
        asked = data.draw(st.integers(0, 14))
        real.commit(asked)
        committed = max(committed, min(asked, received))
        assert (real.received, real.committed, real.duplicates) == (received, committed, duplicates)
        assert real.take(0).ack == committed


WINDOW_BYTES = 40_000
INCOMING = st.lists(
    st.tuples(
        st.sampled_from(("large", "large", "small", "commit", "restart", "new stream")),
        st.lists(st.sampled_from((0, 1, WINDOW_BYTES, MESSAGE_BYTES // 2, MESSAGE_BYTES)), max_size=3),
        st.integers(0, 12),
    ),
    max_size=25,
)


@given(INCOMING)
def test_large_frames_come_in_while_what_is_not_committed_of_them_fits_a_window_and_one_message(
    acts: list[tuple[str, list[int], int]],
) -> None:
    real = Channel(Bounds(window_bytes=WINDOW_BYTES))
    numbered, committed, large = 0, 0, list[tuple[int, int]]()
    for act, sizes, number in acts:
        if act in ("restart", "new stream"):
            numbered, committed, large = 0, 0, []
            real.restart(9) if act == "restart" else real.restart_incoming()
        elif act == "commit":
            real.commit(number)
            committed = max(committed, min(number, numbered))
            large = [one for one in large if one[0] > committed]
        else:
            fresh = [Envelope(numbered + 1 + at, result(at, size)) for at, size in enumerate(sizes)]
            beat = Envelope(0, Heartbeat(0, 0, [Progress(1, 1)] * number))
            frame = Frame(ack=0, credit=1, envelopes=[beat, *fresh])
            size_bytes = LARGE_BYTES + (act == "large")
            fits = sum(size for _, size in large) + sum(sizes) <= WINDOW_BYTES + MESSAGE_BYTES
            if act == "large" and not fits:
                with pytest.raises(FrameError, match="under way"):
                    real.receive(frame, size_bytes)
            else:
                real.receive(frame, size_bytes)
                numbered += len(sizes)
                large += [(numbered, sum(sizes))] if act == "large" and any(sizes) else []
        real.check()
        assert (real.received, real.committed) == (numbered, committed)
