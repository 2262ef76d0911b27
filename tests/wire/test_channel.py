"""Claims about the numbered stream: order, replay, once, credit."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.channel import Bounds, Channel, QueueFullError
from wire.errors import FrameError, FrameFault
from wire.messages import AttemptResult, Envelope, Frame, Goodbye, Heartbeat, Message
from wire.priority import Priority

CREDIT = 512


def channel(bounds: Bounds | None = None) -> Channel:
    made = Channel(bounds or Bounds())
    made.resume(0, CREDIT)
    return made


def words(messages: list[Message]) -> list[str]:
    return [message.reason for message in messages if isinstance(message, Goodbye)]


def say(sender: Channel, *texts: str, priority: Priority = Priority.normal) -> None:
    for text in texts:
        sender.send(Goodbye(text), priority, 0)


def test_messages_arrive_in_the_order_of_sending() -> None:
    sender, receiver = channel(), channel()
    say(sender, "a", "b", "c")
    assert words(receiver.receive(sender.take(0))[0]) == ["a", "b", "c"]


def test_nothing_is_sent_before_the_peer_gives_credit() -> None:
    sender = Channel()
    say(sender, "a")
    assert not sender.has_more()
    assert sender.take(0).envelopes == []


def test_credit_counts_from_what_the_peer_acknowledged_however_many_that_are() -> None:
    sender, receiver = channel(), channel()
    for number in range(3 * CREDIT):
        say(sender, str(number))
        arrived, _ = receiver.receive(sender.take(0))
        assert words(arrived) == [str(number)]
        receiver.commit(receiver.received)
        sender.receive(receiver.take(0))


def test_512_kib_of_content_are_in_flight_at_most() -> None:
    sender = Channel()
    sender.resume(0, 600)
    for _ in range(600):
        sender.send(AttemptResult("t", 1, bytes(1024), "", 0, 0, 0), Priority.normal, 0)
    while sender.has_more():
        sender.take(0)
    assert sender.in_flight == 512


def test_an_urgent_message_overtakes_what_was_not_sent_yet() -> None:
    sender, receiver = channel(), channel()
    say(sender, "slow")
    say(sender, "urgent", priority=Priority.critical)
    assert words(receiver.receive(sender.take(0))[0]) == ["urgent", "slow"]


def test_what_is_not_committed_is_not_acknowledged() -> None:
    sender, receiver = channel(), channel()
    say(sender, "a", "b")
    receiver.receive(sender.take(0))
    assert receiver.take(0).ack == 0
    receiver.commit(1)
    assert words(sender.receive(receiver.take(0))[1]) == ["a"]
    assert words(list(sender.pending())) == ["b"]


def test_after_a_reconnect_exactly_what_the_other_lacks_is_sent_again() -> None:
    sender, receiver = channel(), channel()
    say(sender, "a", "b", "c")
    receiver.receive(sender.take(0))
    receiver.commit(2)
    say(sender, "d")
    sender.resume(receiver.committed, CREDIT)
    arrived, _ = receiver.receive(sender.take(0))
    assert words(arrived) == ["d"]
    assert (sender.resent, receiver.duplicates) == (1, 1)


def test_resuming_works_with_no_message_exchanged_before() -> None:
    sender, receiver = channel(), channel()
    assert sender.resume(receiver.committed, CREDIT) == []
    say(sender, "a")
    assert words(receiver.receive(sender.take(0))[0]) == ["a"]


def test_a_gap_is_refused() -> None:
    receiver = channel()
    with pytest.raises(FrameError) as caught:
        receiver.receive(Frame(0, CREDIT, [Envelope(2, Goodbye("b"))]))
    assert caught.value.fault is FrameFault.sequence_gap


def test_an_acknowledgement_of_what_was_never_sent_is_refused() -> None:
    with pytest.raises(FrameError) as caught:
        channel().receive(Frame(1, CREDIT, []))
    assert caught.value.fault is FrameFault.ack_from_future


def test_no_more_is_sent_than_the_receiver_gave_credit_for() -> None:
    sender = channel()
    sender.resume(0, 2)
    say(sender, "a", "b", "c")
    assert len(sender.take(0).envelopes) == 2
    assert not sender.has_more()
    sender.receive(Frame(1, 2, []))
    assert sender.has_more()
    assert [envelope.sequence for envelope in sender.take(0).envelopes] == [3]


def test_replay_is_paced_by_credit() -> None:
    sender = channel()
    say(sender, *"abcdef")
    sender.take(0)
    sender.resume(0, 2)
    assert [envelope.sequence for envelope in sender.take(0).envelopes] == [1, 2]
    assert sender.take(0).envelopes == []


def test_unnumbered_messages_go_at_once_and_are_never_kept() -> None:
    sender, receiver = channel(), channel()
    sender.resume(0, 0)
    beat = Heartbeat(1, 1_000, [])
    assert receiver.receive(sender.take(0, (beat,)))[0] == [beat]
    assert sender.depth == 0


def test_a_full_queue_refuses_and_drops_background_first() -> None:
    sender = channel(Bounds(waiting=2))
    say(sender, "background", priority=Priority.background)
    say(sender, "a", "b")
    with pytest.raises(QueueFullError):
        say(sender, "c")
    assert words(list(sender.pending())) == ["a", "b"]


def test_a_result_is_taken_even_when_the_queue_is_full() -> None:
    sender = channel(Bounds(waiting=1))
    say(sender, "a")
    sender.send(Goodbye("result"), Priority.high, 0, always=True)
    assert sender.depth == 2


def test_a_new_session_queues_everything_unacknowledged_again_in_order() -> None:
    sender, receiver = channel(), channel()
    say(sender, "a", "b")
    sender.take(0)
    say(sender, "c")
    sender.restart(CREDIT)
    assert words(receiver.receive(sender.take(0))[0]) == ["a", "b", "c"]


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_whatever_connections_die_everything_arrives_once_and_in_order(seed: int, count: int) -> None:
    chance = random.Random(seed)
    sender, receiver = channel(Bounds(frame_messages=4)), channel()
    sent, got = [], []
    for number in range(count):
        say(sender, str(number))
        sent.append(str(number))
        if chance.random() < 0.5:
            frame = sender.take(0)
            if chance.random() < 0.6:
                got += words(receiver.receive(frame)[0])
                receiver.commit(chance.randint(0, receiver.received))
            else:
                sender.resume(receiver.committed, CREDIT)
    sender.resume(receiver.committed, CREDIT)
    while sender.has_more():
        got += words(receiver.receive(sender.take(0))[0])
    assert got == sent


def test_a_frame_with_a_gap_changes_nothing() -> None:
    sender, receiver = channel(), channel()
    say(sender, "a", "b", "c")
    whole = sender.take(0)
    torn = Frame(whole.ack, whole.credit, [whole.envelopes[0], whole.envelopes[2]])
    with pytest.raises(FrameError):
        receiver.receive(torn)
    assert receiver.received == 0
    assert words(receiver.receive(whole)[0]) == ["a", "b", "c"]


def large(token: int) -> AttemptResult:
    return AttemptResult("t", token, bytes(200_000), "", 0, 0, 0)


def test_large_results_go_one_to_a_frame_and_wait_for_those_in_flight() -> None:
    sender, receiver = channel(), channel()
    for token in range(5):
        sender.send(large(token), Priority.normal, 0)
    frames = [sender.take(0) for _ in range(4)]
    assert [len(frame.envelopes) for frame in frames] == [1, 1, 1, 0]
    assert not sender.has_more()
    receiver.receive(frames[0])
    receiver.commit(1)
    sender.receive(receiver.take(0))
    assert len(sender.take(0).envelopes) == 1


def test_a_queue_that_is_full_by_its_bytes_refuses() -> None:
    sender = channel(Bounds(waiting_bytes=300_000))
    sender.send(large(1), Priority.normal, 0)
    sender.send(large(2), Priority.normal, 0)
    with pytest.raises(QueueFullError):
        sender.send(large(3), Priority.normal, 0)
    sender.take(0)
    sender.send(large(3), Priority.normal, 0)


def test_a_new_session_recounts_the_pending_bytes() -> None:
    sender = channel(Bounds(waiting_bytes=300_000))
    sender.send(large(1), Priority.normal, 0)
    sender.send(large(2), Priority.normal, 0)
    sender.take(0)
    sender.restart(CREDIT)
    with pytest.raises(QueueFullError):
        sender.send(large(3), Priority.normal, 0)
    assert [len(sender.take(0).envelopes) for _ in range(2)] == [1, 1]
    sender.send(large(3), Priority.normal, 0)


def test_a_full_queue_drops_no_result_even_in_the_background() -> None:
    sender = channel(Bounds(waiting=1))
    sender.send(AttemptResult("t", 1, b"1", "", 0, 0, 0), Priority.background, 0, always=True)
    with pytest.raises(QueueFullError):
        say(sender, "more")
    assert sender.depth == 1
