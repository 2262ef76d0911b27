"""What signing and checking cost, and what compression costs and saves, in the frames that really occur.

Measured: processor time of the shipped FrameEncoder and FrameDecoder for one frame, written and read again.
Against: the same frame through the same code with one thing less, either without its HMAC (computed and
compared by nothing) or without compression. Fair, because nothing else differs, and both contenders run in
turn on one core in one process; what a socket and a system call cost is in neither. The figure is the one
thing's share of the whole frame's time; the remark gives its µs, of a frame and of each message in it. The
last two rows set both against a whole task, from its submission to its counted result, while the lab is busy
(contenders/ours.py): compression by doing without it, signing by taking away what the frames above show,
since the session has no switch for it.
"""

from __future__ import annotations

import base64
import contextlib
import random
import time
from collections.abc import Iterator
from unittest import mock

import msgspec

from benchmarks.affinity import FIRST, SECOND, pin
from benchmarks.contenders.ours import Ours
from benchmarks.pairs import Estimate, estimate, in_turn
from benchmarks.row import Row
from wire import codec
from wire.codec import FrameDecoder, FrameEncoder, FrameLimits
from wire.compression import FLOOR_BYTES
from wire.keys import MAC_BYTES
from wire.messages import (
    Assign,
    AttemptResult,
    Checkpoint,
    CheckpointSaved,
    Envelope,
    Frame,
    Heartbeat,
    Message,
    Progress,
)
from wire.priority import Priority

ROUNDS, ROUND_NS = 101, 10_000_000
QUICK_ROUNDS, QUICK_ROUND_NS = 5, 1_000_000
TASKS, TASK_ROUNDS = 20_000, 7
QUICK_TASKS, QUICK_TASK_ROUNDS = 1_000, 2
FULL_FRAME = "64 results"
KEY = bytes(range(32))
TOKEN = 1 << 40
CREDIT = 512
STATE_BYTES = 64 * 1024
PAYLOAD_BYTES = 10 * 1024
RECORDS = 1_500
NO_CODE = bytes(MAC_BYTES)


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
        FULL_FRAME: frame(*(result(number) for number in range(64))),
        "a task with 10 KiB of payload": frame(flood),
        "a checkpoint of 64 KiB, JSON records": frame(checkpoint(table)),
        "a checkpoint of 64 KiB, noise": frame(checkpoint(noise)),
    }


def frame(*messages: Message, numbered: bool = True) -> Frame:
    """One frame of these messages."""
    return Frame(
        100, CREDIT, [Envelope(place * numbered, message) for place, message in enumerate(messages, 101)]
    )


def result(number: int) -> AttemptResult:
    """A `noop` that went well."""
    at_ns = time.monotonic_ns()
    return AttemptResult(
        f"task-{number:06d}", TOKEN + number, b"null", "", at_ns, at_ns + 40_000, at_ns + 60_000
    )


def checkpoint(state: bytes) -> CheckpointSaved:
    """A state on its way to the worker that runs the task next."""
    return CheckpointSaved("task-000001", TOKEN, Checkpoint(7, state, bytes(32)))


def no_code(key: bytes, data: bytes) -> bytes:
    """In the place of `tag`."""
    return NO_CODE


def believed(ours: bytes, theirs: bytes) -> bool:
    """In the place of `macs_equal`."""
    return True


@contextlib.contextmanager
def unsigned() -> Iterator[None]:
    """The codec as it is, but that it neither computes nor compares a code."""
    with mock.patch.object(codec, "mac", no_code), mock.patch.object(codec, "macs_equal", believed):
        yield


def passage_us(travels: Frame, for_ns: int, *, compress: bool = True) -> float:
    """Processor time of sealing and opening `travels` once, in µs, as a mean of many."""
    encoder, decoder = FrameEncoder(KEY, compress=compress), FrameDecoder(KEY, FrameLimits())
    count, began_ns = 0, time.thread_time_ns()
    while (took_ns := time.thread_time_ns() - began_ns) < for_ns:
        for _ in range(10):
            decoder.decode(encoder.encode(travels))
        count += 10
    return took_ns / count / 1_000


def wire_bytes(travels: Frame, *, compress: bool) -> int:
    """How long a frame is as it travels."""
    return len(FrameEncoder(KEY, compress=compress).encode(travels))


def shares_percent(with_us: list[float], without_us: list[float]) -> Estimate:
    """What of the whole is due to the one thing, pair by pair."""
    return estimate([(1 - less / more) * 100 for more, less in zip(with_us, without_us, strict=True)])


def row(
    measure: str, baseline: str, with_us: list[float], without_us: list[float], remark: str, cores: str
) -> Row:
    """One row that only shows what the one thing costs."""
    return Row(
        measure=measure, baseline=baseline, unit="µs", ours=estimate(with_us), theirs=estimate(without_us),
        figure=shares_percent(with_us, without_us), figure_unit="%", cores=cores, rounds=len(with_us),
        remark=remark,
    )  # fmt: skip


def added_us(with_us: list[float], without_us: list[float]) -> float:
    """What the one thing adds, typically."""
    return estimate([more - less for more, less in zip(with_us, without_us, strict=True)]).median


def frame_rows(travels: Frame, name: str, rounds: int, for_ns: int) -> tuple[list[Row], float]:
    """Signing, and compression where a frame is large enough for it to be tried; and what signing adds to
    each message, in µs.
    """

    def whole() -> float:
        return passage_us(travels, for_ns)

    def without_code() -> float:
        with unsigned():
            return passage_us(travels, for_ns)

    def without_compression() -> float:
        return passage_us(travels, for_ns, compress=False)

    messages, cores = len(travels.envelopes), f"all on {FIRST}"
    raw_bytes, sent_bytes = (wire_bytes(travels, compress=compress) for compress in (False, True))

    def shown(adds_us: float) -> str:
        return f"{adds_us:.1f} µs a frame, {adds_us / messages:.2f} µs a message"

    contenders = in_turn(whole, without_code, rounds)
    signing_us = added_us(*contenders)
    remark = f"{shown(signing_us)}; {sent_bytes:,} bytes travel"
    found = [row(f"signing and checking: {name}", "the same, unsigned", *contenders, remark, cores)]
    if raw_bytes >= FLOOR_BYTES:
        contenders = in_turn(whole, without_compression, rounds)
        remark = f"{shown(added_us(*contenders))}; {raw_bytes:,} bytes become {sent_bytes:,}"
        found.append(row(f"compression: {name}", "the same, not compressed", *contenders, remark, cores))
    return found, signing_us / messages


def task_rows(tasks: int, rounds: int, signing_us: float) -> list[Row]:
    """Both costs beside a whole task's time; `signing_us` is what a message's share of a full frame costs."""
    pin(SECOND)
    with Ours() as packing, Ours(compress=False) as plain:
        with_us, without_us = in_turn(
            lambda: 1e6 / packing.tasks_per_s(tasks), lambda: 1e6 / plain.tasks_per_s(tasks), rounds
        )
    cores = f"coordinator on {FIRST}; workers and submitter on {SECOND}"
    unsigned_us = [one - 2 * signing_us for one in with_us]
    return [
        row("signing and checking: a task", "computed: less two messages' shares of full frames", with_us,
            unsigned_us, f"{2 * signing_us:.2f} µs a task, each way one message", cores),
        row("compression: a task", "the same lab without", with_us, without_us,
            f"{added_us(with_us, without_us):.1f} µs a task; on a link that is slower than loopback it saves",
            cores),
    ]  # fmt: skip


def rows(*, quick: bool) -> list[Row]:
    """The frames, then both beside whole tasks."""
    rounds, for_ns = (QUICK_ROUNDS, QUICK_ROUND_NS) if quick else (ROUNDS, ROUND_NS)
    tasks, task_rounds = (QUICK_TASKS, QUICK_TASK_ROUNDS) if quick else (TASKS, TASK_ROUNDS)
    pin(FIRST)
    found, signing_us = [], 0.0
    for name, travels in frames().items():
        of_frame, message_us = frame_rows(travels, name, rounds, for_ns)
        found += of_frame
        signing_us = message_us if name == FULL_FRAME else signing_us
    return found + task_rows(tasks, task_rounds, signing_us)
