"""An executor for the tests of task kinds, and the processes that a task started."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import eventually
from wire.messages import Assign, Checkpoint
from wire.priority import Priority
from worker.checkpoints import CheckpointStore
from worker.effects import SaveCheckpoint, StartAttempt, StopAttempt
from worker.executor import Executor


class Bench:
    """An executor, and what it reports. `wanted` names the steps after which a checkpoint is asked for."""

    def __init__(self, folder: Path) -> None:
        self.store = CheckpointStore(folder)
        self.executor = Executor(self, self.store, slots=4, start_task=asyncio.ensure_future)
        self.ended: dict[int, tuple[bytes, str]] = {}
        self.steps: list[tuple[int, bool]] = []
        self.saved: list[Checkpoint] = []
        self.wanted: set[int] = set()

    def finished(self, token: int, output: bytes, error: str) -> None:
        assert token not in self.ended
        self.ended[token] = (output, error)

    def step_done(self, token: int, step: int, *, last: bool) -> None:
        self.steps.append((step, last))
        if step in self.wanted:
            self.executor.request_checkpoint(SaveCheckpoint("t", token, step))

    def checkpoint_written(self, token: int, checkpoint: Checkpoint) -> None:
        self.saved.append(checkpoint)

    def start(
        self, kind: str, params: object = None, *, token: int = 1, checkpoint: Checkpoint | None = None
    ) -> None:
        data = params if isinstance(params, bytes) else json.dumps(params or {}).encode()
        assign = Assign("t", token, kind, data, Priority.normal, 1, 10_000, 0)
        self.executor.start(StartAttempt(assign, checkpoint))

    def stop(self, token: int = 1) -> None:
        self.executor.stop(StopAttempt("t", token, "test"))

    async def end(self, token: int = 1, within_s: float = 20.0) -> tuple[Any, str]:
        await eventually(lambda: token in self.ended, f"the end of {token}", within_s)
        output, error = self.ended[token]
        return (json.loads(output) if output else None), error

    async def run(self, kind: str, params: object = None, **more: Any) -> tuple[Any, str]:
        self.start(kind, params, **more)
        return await self.end()


def lives(pid: int) -> bool:
    """A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class FreshAttempt:
    """The context of an attempt without a checkpoint, which goes on."""

    checkpoint: Checkpoint | None = None
    stopped = False

    async def step_done(self, step: int, state: Callable[[], bytes], *, last: bool) -> None:
        raise AssertionError("a task without steps")


async def gone(pid: int) -> None:
    await eventually(lambda: not lives(pid), f"the end of process {pid}")


def pids_in(folder: Path) -> list[int]:
    """The process ids that a command wrote into the folder's file `pids`."""
    path = folder / "pids"
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


async def killed_at_its_limit(bench: Bench, argv: list[str], folder: Path, count: int) -> list[int]:
    """Run a command until its time limit kills it; returns the `count` process ids that it wrote. The limit
    grows until the processes begin within it, however busy the machine is.
    """
    for timeout_ms in (500, 2_000, 8_000, 32_000):
        bench.ended.clear()
        _, error = await bench.run("command", {"argv": argv, "timeout_ms": timeout_ms})
        assert error == f"{argv[0]!r} took longer than {timeout_ms} ms and was killed"
        if len(pids := pids_in(folder)) == count:
            return pids
        (folder / "pids").write_text("")
    raise AssertionError(f"expected {count} processes within 32 s")
