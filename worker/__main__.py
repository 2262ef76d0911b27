"""`python -m worker`: one worker process. Its settings come from the environment; SIGTERM drains it.

STORMLAB_KEY           the fleet's key, 64 hexadecimal digits
STORMLAB_WORKER        WorkerSettings as JSON ("": the defaults)
STORMLAB_RUN_AS        uid:gid to switch to after the start as root; no task can read the key then ("": none)
STORMLAB_LINKS_HOST    the host on which this worker's own link listens (toxiproxy)
STORMLAB_LINK_PORT     the link's port, where it does not follow from the worker's number
WORKER_INDEX           the worker's number, where its address has no name that ends in it
JOURNAL_DIR, CHECKPOINT_DIR    other places than /journal, /tmp/checkpoints
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

import msgspec
import uvloop

from wire import events
from wire.address import coordinator_url, link_port, worker_name
from wire.console_journal import ConsoleJournal
from wire.keys import parse_key
from wire.policies import policy_named
from wire.settings import WorkerSettings, read_settings
from worker.checkpoints import CheckpointStore
from worker.console_log import ConsoleLog
from worker.core import WorkerCore
from worker.dependencies import Dependencies
from worker.journal_file import WorkerJournalFile
from worker.process import hide_from_tasks, own_index, switch_user
from worker.runtime import RuntimeDependencies, WorkerRuntime

WRONG_USE, BROKEN = 64, 70
COLLECT_EVERY = 50_000
"""New objects between two collections: an attempt leaves no reference cycles."""


def main() -> int:
    """Run until a drain ends, or until a refusal is terminal; returns the exit code."""
    try:
        return _run(os.environ)
    except (ValueError, OSError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return WRONG_USE


def _run(environ: Mapping[str, str]) -> int:
    fleet_key = parse_key(environ.get("STORMLAB_KEY", ""))
    settings = read_settings(environ.get("STORMLAB_WORKER", ""), WorkerSettings)
    switch_user(environ.get("STORMLAB_RUN_AS", ""))
    hide_from_tasks()
    policy_named(settings.policy)
    index = own_index(environ)
    name = worker_name(index)
    port = _port(environ.get("STORMLAB_LINK_PORT") or str(link_port(index)))
    file = WorkerJournalFile(Path(environ.get("JOURNAL_DIR", "/journal")) / f"{name}.jsonl")
    console = ConsoleLog(name, sys.stderr.write, time.monotonic_ns)
    record = ConsoleJournal(name, file.write, time.monotonic_ns, time.time, console)
    incarnation = os.urandom(8).hex()
    store = CheckpointStore(Path(environ.get("CHECKPOINT_DIR", "/tmp/checkpoints")))
    jitter = random.Random(f"{settings.seed} {name}") if settings.seed else random.Random()
    dependencies = Dependencies(record, jitter, lambda: os.urandom(16), time.time, store.read)
    core = WorkerCore(name, incarnation, settings, dependencies)
    url = coordinator_url(environ.get("STORMLAB_LINKS_HOST", "127.0.0.1"), port)
    runtime_dependencies = RuntimeDependencies(
        url, fleet_key, settings.compress, settings.slots, store, record, file.flush
    )
    raw = msgspec.Raw(msgspec.json.encode(settings))
    record(events.ProcessStarted, role="worker", incarnation=incarnation, settings=raw)
    file.flush()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_live(WorkerRuntime(core, runtime_dependencies)))
    except OSError as error:
        print(f"{name} stops: cannot write its journal: {error}", file=sys.stderr)
        return BROKEN
    except Exception:
        print(f"{name} broke, by a defect of its own:", file=sys.stderr)
        traceback.print_exc()
        return BROKEN
    finally:
        file.close()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise ValueError(f"STORMLAB_LINK_PORT must be a port from 1 to 65535; found {text!r}")
    return int(text)


async def _live(runtime: WorkerRuntime) -> int:
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.drain)
    return await runtime.run()


if __name__ == "__main__":
    sys.exit(main())
