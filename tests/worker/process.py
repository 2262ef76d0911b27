"""A real `python -m worker`, started and ended by a test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.worker.small_coordinator import KEY

ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """Worker number `index`, dialling `port` on this host; its journal and log are at hand."""

    def __init__(self, port: int, *, key: bytes = KEY, index: int = 1, **settings: Any) -> None:
        self.name = f"worker-{index}"
        self._folder = tempfile.TemporaryDirectory(prefix="worker-test-")
        self.folder = Path(self._folder.name)
        self.environment = {
            **os.environ,
            "STORMLAB_KEY": key.hex(),
            "STORMLAB_WORKER": json.dumps(settings),
            "STORMLAB_LINKS_HOST": "127.0.0.1",
            "STORMLAB_LINK_PORT": str(port),
            "WORKER_INDEX": str(index),
            "JOURNAL_DIR": str(self.folder),
            "CHECKPOINT_DIR": str(self.folder / "checkpoints"),
        }
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> WorkerProcess:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._folder.cleanup()

    async def start(self) -> None:
        """Start it, or start it again."""
        log = os.open(self.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "worker", cwd=ROOT, env=self.environment, stderr=log
            )
        finally:
            os.close(log)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within_s: float = 60.0) -> int:
        """Wait for its end; returns the exit code."""
        assert self.process is not None
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def kill(self) -> None:
        """End it at once, if it still lives."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    @property
    def log(self) -> str:
        """What it wrote for people."""
        return (self.folder / "log").read_text()

    def journal(self, *kinds: str) -> list[dict[str, Any]]:
        """Its events of these kinds, or all."""
        every = events_in(self.folder / f"{self.name}.jsonl")
        return [event for event in every if not kinds or event["event"] in kinds]

    def happened(self) -> list[str]:
        """The names of all its events."""
        return [event["event"] for event in self.journal()]


def events_in(journal: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal that may be growing: a last line without its end is still being written."""
    if journal.exists():
        with journal.open() as lines:
            yield from (json.loads(line) for line in lines if line.endswith("\n"))
