"""The rate of back-to-back handshakes: what an outage would cost without any admission.

Each handshake is the one of a worker that resumes its session: TCP, the signed hello, the durable session,
the checked welcome. As many are under way at once as the coordinator can use, so that neither side waits.
"""

from __future__ import annotations

import asyncio
import os
import time

from wire.address import coordinator_url, worker_name
from wire.codec import PROTOCOL_VERSION
from wire.handshake import Hello, Resume, Welcome
from worker.connection import CoordinatorConnection, dial
from worker.traffic import SocketBytes

AT_ONCE = 64


async def rate_per_s(count: int, port: int, key: bytes) -> float:
    """Return handshakes a second for `count` sessions that lose their connections and are resumed."""
    incarnation = os.urandom(8).hex()
    begun = await _all(count, port, key, incarnation, {})
    for link, _ in begun.values():
        link.transport.abort()
    began = time.monotonic()
    resumed = await _all(
        count, port, key, incarnation, {name: welcome for name, (_, welcome) in begun.items()}
    )
    took_s = time.monotonic() - began
    if others := {welcome.outcome for _, welcome in resumed.values()} - {"resumed"}:
        raise RuntimeError(f"handshakes that should have resumed a session ended as {others}")
    for link, _ in resumed.values():
        link.transport.abort()
    return count / took_s


async def _all(
    count: int, port: int, key: bytes, incarnation: str, before: dict[str, Welcome]
) -> dict[str, tuple[CoordinatorConnection, Welcome]]:
    names = iter([worker_name(number) for number in range(1, count + 1)])
    made: dict[str, tuple[CoordinatorConnection, Welcome]] = {}

    async def some() -> None:
        for name in names:
            asked = before.get(name)
            resume = Resume(asked.session, asked.epoch, 0) if asked is not None else None
            hello = Hello(
                PROTOCOL_VERSION, name, incarnation, os.urandom(16), time.time(), 4, 4, True, resume
            )  # fmt: skip
            made[name] = await dial(coordinator_url("127.0.0.1", port), hello, key, SocketBytes())

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())
    return made
