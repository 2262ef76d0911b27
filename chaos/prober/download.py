"""Throughput of the way down by itself: bytes that are asked for, over a connection of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from chaos.prober.dial import MOST_ANSWER_BYTES, Answer, judged

MAX_DOWNLOAD_BYTES = 64 * 1024
# One that takes longer says nothing that a look has time for.
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Download:
    """Bytes that were asked for and came: how long all of it took, and bytes a second after the first of
    them. `out_bytes` and `in_bytes` are what it cost.
    """

    took_ms: float
    bytes_per_s: int
    out_bytes: int
    in_bytes: int


async def download(host: str, port: int, size_bytes: int) -> Download | None:
    """Ask for bytes over a new connection, and measure the way down by itself; None when they did not come
    whole.
    """
    size_bytes = min(size_bytes, MAX_DOWNLOAD_BYTES)
    request = f"GET /probe/{size_bytes} HTTP/1.1\r\nHost: p\r\n\r\n".encode()
    answer = Answer(size_bytes + MOST_ANSWER_BYTES)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(lambda: answer, host, port)
            assert answer.transport is not None
            asked_ns = time.monotonic_ns()
            answer.transport.write(request)
            await answer.done.wait()
    except (TimeoutError, OSError):
        return None
    finally:
        answer.abort()
    if len(answer.data) < size_bytes or judged(bytes(answer.data), answer.how)[0] != "answered":
        return None
    counted, span_ns = len(answer.data) - answer.first_bytes, answer.last_ns - answer.first_ns
    if not counted or span_ns <= 0:
        counted, span_ns = len(answer.data), answer.last_ns - asked_ns
    rate = round(counted * 1e9 / max(1, span_ns))
    return Download((answer.last_ns - asked_ns) / 1e6, rate, len(request), answer.in_bytes)
