"""What signing and checking cost, and what compression costs and saves, in the frames that really occur.

Measured: processor time in which the shipped Sealer writes a frame and the shipped Opener reads it again.
Against: the same frame through the same code with one thing less, either without its HMAC (computed and
compared by nothing) or without compression. Fair, because nothing else differs, and both arms run in turn on
one core in one process; what a socket and a system call cost is in neither. The figure is the one thing's
share of the whole frame's time; the remark gives its µs, of a frame and of each message in it.
"""

from __future__ import annotations

import base64
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from unittest import mock

import msgspec

from benchmarks.pairs import Estimate, estimate, in_turn
from benchmarks.pinning import FIRST, pin
from benchmarks.row import Row
from wire import codec
from wire.codec import Limits, Opener, Sealer
from wire.compression import FLOOR_BYTES
from wire.keys import TAG_BYTES
from wire.messages import (
    Assign,
    Checkpoint,
    CheckpointSaved,
    Envelope,
    Frame,
    Heartbeat,
    Message,
    Progress,
    Result,
)
from wire.priority import Priority

ROUNDS, ROUND_NS = 101, 10_000_000
QUICK_ROUNDS, QUICK_ROUND_NS = 5, 1_000_000
KEY = bytes(range(32))
TOKEN = 1 << 40
CREDIT = 512
STATE_BYTES = 64 * 1024
PAYLOAD_BYTES = 10 * 1024
RECORDS = 1_500
NO_CODE = bytes(TAG_BYTES)


def frames() -> dict[str, Frame]:
    """The frames by what a reader calls them."""
    chance = random.Random(1)
    noise = chance.randbytes(STATE_BYTES)
    records = [{"step": step, "loss": chance.random()} for step in range(RECORDS)]
    table = msgspec.json.encode(records)[:STATE_BYTES].ljust(STATE_BYTES)
    payload = base64.b64encode(noise)[:PAYLOAD_BYTES].decode()
    params = msgspec.json.encode({"payload": payload})
    flood = Assign("task-000001", TOKEN, "noop", params, Priority.normal, 1, 10_000, 60_000)
    running = [Progress(TOKEN + number, 7) for number in range(4)]
    return {
        "a heartbeat, 4 attempts": frame(Heartbeat(time.monotonic_ns(), 2_000, running), numbered=False),
        "1 result": frame(result(1)),
        "64 results": frame(*(result(number) for number in range(64))),
        "a task with 10 KiB of payload": frame(flood),
        "a checkpoint of 64 KiB, JSON records": frame(checkpoint(table)),
        "a checkpoint of 64 KiB, noise": frame(checkpoint(noise)),
    }


def frame(*messages: Message, numbered: bool = True) -> Frame:
    """One frame of these messages."""
    return Frame(
        100, CREDIT, [Envelope(place * numbered, message) for place, message in enumerate(messages, 101)]
    )


def result(number: int) -> Result:
    """A `noop` that went well."""
    at_ns = time.monotonic_ns()
    return Result(f"task-{number:06d}", TOKEN + number, b"null", "", at_ns, at_ns + 40_000, at_ns + 60_000)


def checkpoint(state: bytes) -> CheckpointSaved:
    """A state on its way to whoever runs the task next."""
    return CheckpointSaved("task-000001", TOKEN, Checkpoint(7, state, bytes(32)))


def no_code(key: bytes, data: bytes) -> bytes:
    """In the place of `tag`."""
    return NO_CODE


def believed(ours: bytes, theirs: bytes) -> bool:
    """In the place of `tags_equal`."""
    return True


@contextlib.contextmanager
def unsigned() -> Iterator[None]:
    """The codec as it is, but that it neither computes nor compares a code."""
    with mock.patch.object(codec, "tag", no_code), mock.patch.object(codec, "tags_equal", believed):
        yield


def passage_us(travels: Frame, for_ns: int, *, compress: bool = True) -> float:
    """Processor time of sealing and opening `travels` once, in µs, as a mean of many."""
    sealer, opener = Sealer(KEY, compress=compress), Opener(KEY, Limits())
    count, began_ns = 0, time.thread_time_ns()
    while (took_ns := time.thread_time_ns() - began_ns) < for_ns:
        for _ in range(10):
            opener.open(sealer.seal(travels))
        count += 10
    return took_ns / count / 1_000


def wire_bytes(travels: Frame, *, compress: bool) -> int:
    """How long a frame is as it travels."""
    return len(Sealer(KEY, compress=compress).seal(travels))


def shares_percent(with_us: list[float], without_us: list[float]) -> Estimate:
    """What of the whole is due to the one thing, pair by pair."""
    return estimate([(1 - less / more) * 100 for more, less in zip(with_us, without_us, strict=True)])


def row(
    measure: str, baseline: str, arms: tuple[Callable[[], float], Callable[[], float]], rounds: int,
    messages: int, sizes: str,
) -> Row:  # fmt: skip
    """One row that only shows what the first of `arms` has and the second has not."""
    with_us, without_us = in_turn(*arms, rounds)
    adds_us = estimate([more - less for more, less in zip(with_us, without_us, strict=True)]).median
    return Row(
        measure=measure, baseline=baseline, unit="µs", ours=estimate(with_us), theirs=estimate(without_us),
        figure=shares_percent(with_us, without_us), figure_unit="%", cores=f"all on {FIRST}", rounds=rounds,
        remark=f"{adds_us:.1f} µs a frame, {adds_us / messages:.2f} µs a message; {sizes}",
    )  # fmt: skip


def rows(*, quick: bool) -> list[Row]:
    """Signing for every frame; compression for those that are large enough for it to be tried."""
    rounds, for_ns = (QUICK_ROUNDS, QUICK_ROUND_NS) if quick else (ROUNDS, ROUND_NS)
    pin(FIRST)
    found = []
    for name, travels in frames().items():

        def whole(travels: Frame = travels) -> float:
            return passage_us(travels, for_ns)

        def without_code(travels: Frame = travels) -> float:
            with unsigned():
                return passage_us(travels, for_ns)

        def without_compression(travels: Frame = travels) -> float:
            return passage_us(travels, for_ns, compress=False)

        raw_bytes, sent_bytes = (wire_bytes(travels, compress=compress) for compress in (False, True))
        count = len(travels.envelopes)
        signing, packing = f"signing and checking: {name}", f"compression: {name}"
        sizes = f"{sent_bytes:,} bytes travel"
        found.append(row(signing, "the same, unsigned", (whole, without_code), rounds, count, sizes))
        if raw_bytes >= FLOOR_BYTES:
            arms, sizes = (whole, without_compression), f"{raw_bytes:,} bytes become {sent_bytes:,}"
            found.append(row(packing, "the same, not compressed", arms, rounds, count, sizes))
    return found
