"""Claims about sizes: every field has a limit, and accepted content fits every frame that is made of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import msgspec.inspect as inspect
import pytest

from wire import control, events, handshake, messages
from wire.channel import Channel
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.errors import FrameError
from wire.events import Journal
from wire.limits import (
    BULK_BYTES,
    ERROR_CHARS,
    FRAME_BYTES,
    HELD_MAX,
    LINE_BYTES,
    NAME_BYTES,
    PARAMS_BYTES,
    PROOF_MAX_BYTES,
    WORDS_CHARS,
)
from wire.messages import (
    Assign,
    AttemptReport,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Envelope,
    Frame,
    Heartbeat,
    HeldAttempt,
    LeasesRenewed,
    Message,
    Progress,
    ReturnTask,
    Revoke,
)
from wire.priority import Priority
from wire.task_events import ProcessEvent, TaskDone

KEY = bytes(32)
TOKEN = (1 << 63) - 1
STATE = Checkpoint(TOKEN, b"s" * BULK_BYTES, hashlib.sha256().digest())
ID = "i" * NAME_BYTES
PROOF = b"p" * PROOF_MAX_BYTES
WORDS = "\U0001f4a5" * WORDS_CHARS
ERROR = "\U0001f4a5" * ERROR_CHARS
LARGEST: tuple[Message, ...] = (
    Assign(ID, TOKEN, ID, b"p" * PARAMS_BYTES, Priority.normal, TOKEN, TOKEN, TOKEN, STATE, TOKEN, PROOF),
    AttemptResult(ID, TOKEN, b"o" * BULK_BYTES, ERROR, TOKEN, TOKEN, TOKEN, TOKEN),
    CheckpointSaved(ID, TOKEN, STATE),
    Revoke(ID, TOKEN, WORDS),
    ReturnTask(ID, TOKEN, WORDS),
    Assign(ID, TOKEN, ID, b"", Priority.normal, TOKEN, TOKEN, TOKEN, None, TOKEN, PROOF),
    AttemptResult(ID, TOKEN, b"", "", TOKEN, TOKEN, TOKEN, TOKEN),
)
UNNUMBERED: tuple[Message, ...] = (
    AttemptReport([HeldAttempt(ID, TOKEN, PROOF)] * HELD_MAX),
    Heartbeat(TOKEN, TOKEN, [Progress(TOKEN, TOKEN)] * HELD_MAX),
    LeasesRenewed(TOKEN, TOKEN, [TOKEN] * HELD_MAX),
)
RAW = {("TaskSpec", "params"), ("ProcessStarted", "settings")}
"""JSON that is passed on untouched: the submission's check bounds the one, the journal's writer the other."""


def structs_of(module: Any) -> list[type[msgspec.Struct]]:
    found = [
        one for one in vars(module).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)
    ]
    return [one for one in found if one.__module__ == module.__name__]


def unbounded(expected: inspect.Type) -> Iterator[str]:
    """The parts of a type that may be of any size. Structs are walked by themselves."""
    match expected:
        case inspect.StrType() | inspect.BytesType() | inspect.ByteArrayType():
            if expected.max_length is None:
                yield type(expected).__name__
        case inspect.ListType() | inspect.SetType() | inspect.VarTupleType():
            if expected.max_length is None:
                yield type(expected).__name__
            yield from unbounded(expected.item_type)
        case inspect.DictType():
            if expected.max_length is None:
                yield type(expected).__name__
            yield from unbounded(expected.key_type)
            yield from unbounded(expected.value_type)
        case inspect.UnionType():
            for one in expected.types:
                yield from unbounded(one)
        case inspect.RawType() | inspect.AnyType():
            yield type(expected).__name__
        case _:
            assert isinstance(
                expected,
                inspect.IntType | inspect.FloatType | inspect.BoolType | inspect.NoneType
                | inspect.EnumType | inspect.StructType,
            ), expected  # fmt: skip


@pytest.mark.parametrize("module", [messages, handshake, control, events], ids=lambda one: one.__name__)
def test_every_field_of_every_message_has_a_bound(module: Any) -> None:
    kinds = structs_of(module)
    assert kinds
    for kind in kinds:
        found = inspect.type_info(kind)
        assert isinstance(found, inspect.StructType)
        for field in found.fields:
            if (kind.__name__, field.name) not in RAW:
                assert list(unbounded(field.type)) == [], f"{kind.__name__}.{field.name}"


def test_a_field_without_a_bound_is_found() -> None:
    class Loose(msgspec.Struct):
        names: dict[str, list[bytes]] | None

    shown = inspect.type_info(Loose)
    assert isinstance(shown, inspect.StructType)
    found = [one for field in shown.fields for one in unbounded(field.type)]
    assert found == ["DictType", "StrType", "ListType", "BytesType"]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_accepted_fits_a_frame_that_the_other_side_takes(seed: int) -> None:
    chance = random.Random(seed)
    channel = Channel()
    channel.resume(0, 1_000_000)
    encoder, decoder = FrameEncoder(KEY, compress=False), FrameDecoder(KEY, FrameLimits())
    # Every kind by itself first, then mixtures.
    weights = (1, 1, 1, 40, 40, 200, 200)
    kinds = LARGEST[seed : seed + 1] or LARGEST
    for message in chance.choices(kinds, weights[seed : seed + 1] or weights, k=20 if seed < 3 else 600):
        channel.send(message, Priority.normal, 0, always=True)
    while channel.depth:
        unnumbered = chance.sample(UNNUMBERED[:2], chance.randrange(3))
        data = encoder.encode(channel.take(0, tuple(unnumbered)))
        assert len(data) <= FRAME_BYTES
        taken = decoder.decode(data)
        numbered = [one.sequence for one in taken.envelopes if one.sequence]
        if numbered:
            channel.acknowledge(numbered[-1])


@pytest.mark.parametrize("message", [*LARGEST, *UNNUMBERED], ids=lambda one: type(one).__name__)
def test_the_largest_message_of_each_kind_is_taken(message: Message) -> None:
    sequence = 0 if message in UNNUMBERED else 1
    data = FrameEncoder(KEY, compress=False).encode(Frame(0, 512, [Envelope(sequence, message)]))
    assert FrameDecoder(KEY, FrameLimits()).decode(data).envelopes[0].message == message


@pytest.mark.parametrize(
    "message",
    [
        CheckpointSaved("t", 1, Checkpoint(1, b"s" * (BULK_BYTES + 1), b"")),
        AttemptResult("t", 1, b"o" * (BULK_BYTES + 1), "", 0, 0, 0),
        AttemptResult("t", 1, b"", "e" * (ERROR_CHARS + 1), 0, 0, 0),
        AttemptResult("t" * (NAME_BYTES + 1), 1, b"", "", 0, 0, 0),
        ReturnTask("t", 1, "w" * (WORDS_CHARS + 1)),
        AttemptReport([HeldAttempt("t", 1)] * (HELD_MAX + 1)),
        Heartbeat(0, 0, [Progress(1, 1)] * (HELD_MAX + 1)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_one_more_than_the_bound_is_refused_as_a_whole(message: Message) -> None:
    data = FrameEncoder(KEY).encode(Frame(0, 512, [Envelope(1, message)]))
    with pytest.raises(FrameError, match=r"undecodable: .*length <="):
        FrameDecoder(KEY, FrameLimits()).decode(data)


def test_a_frame_that_could_not_be_taken_is_never_made() -> None:
    with pytest.raises(AssertionError, match="a frame of"):
        FrameEncoder(KEY).encode(Frame(0, 512, [Envelope(1, CheckpointSaved(ID, 1, STATE))] * 3))


@pytest.mark.parametrize("filling", ["x", "\U0001f4a5", "\x00", '"'])
def test_a_line_of_the_journal_is_bounded_and_can_be_read(filling: str) -> None:
    for kind in get_args(ProcessEvent):
        lines: list[bytes] = []
        found = inspect.type_info(kind)
        assert isinstance(found, inspect.StructType)
        fields = {
            field.name: filling * 400_000 if isinstance(field.type, inspect.StrType) else _some(field.type)
            for field in found.fields
            if field.name not in ("at_ns", "wall_s", "by")
        }
        Journal("worker-7", lines.append, lambda: TOKEN, lambda: 1.5)(kind, **fields)
        assert len(lines[0]) <= LINE_BYTES
        assert msgspec.json.decode(lines[0], type=ProcessEvent).by == "worker-7"


def _some(expected: inspect.Type) -> object:
    match expected:
        case inspect.DictType():
            return {priority.name: TOKEN for priority in Priority}
        case inspect.RawType():
            return msgspec.Raw(b"{}")
        case inspect.FloatType():
            return 0.5
        case _:
            return TOKEN


def test_a_text_that_fits_its_line_is_left_as_it_is() -> None:
    lines: list[bytes] = []
    Journal("c", lines.append, lambda: 0, lambda: 0.0)(
        TaskDone, task="t", token=1, worker="w", outcome="failed", error=ERROR, attempts=1
    )
    assert msgspec.json.decode(lines[0], type=ProcessEvent).error == ERROR


@pytest.mark.parametrize("wall_s", [float("nan"), float("inf"), float("-inf")])
def test_a_hello_without_a_time_is_refused_by_its_clock(wall_s: float) -> None:
    hello = handshake.Hello(1, "worker-1", "life", bytes(16), wall_s, 1, 0, True)
    with pytest.raises(handshake.HandshakeError, match="clock"):
        handshake.read_hello(handshake.write_hello(hello, KEY), KEY, 1_795_000_000.0)


@pytest.mark.parametrize("retry_after_ms", [-1, handshake.RETRY_MAX_MS + 1, 1 << 62])
def test_a_refusal_that_sends_away_for_ever_is_damaged(retry_after_ms: int) -> None:
    value = handshake.write_refusal(handshake.Refusal("full", "", retry_after_ms))
    with pytest.raises(handshake.HandshakeError, match="damaged"):
        handshake.read_refusal(value)


@pytest.mark.parametrize("size_bytes", [0, 15, 17, 5_000])
def test_a_nonce_has_one_length(size_bytes: int) -> None:
    hello = handshake.Hello(1, "worker-1", "life", bytes(size_bytes), 1_795_000_000.0, 1, 0, True)
    with pytest.raises(handshake.HandshakeError, match="damaged"):
        handshake.read_hello(handshake.write_hello(hello, KEY), KEY, 1_795_000_000.0)
