"""python -m coordinator: opens the store, listens, and leaves in order when it is asked to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import time
import uuid
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web

from coordinator.control import Control
from coordinator.core import Core
from coordinator.journal_file import JournalFile
from coordinator.log import LoggedJournal, say
from coordinator.server import Shell
from coordinator.store import SqliteStore
from wire import events
from wire.control import CONTROL_PORT
from wire.keys import parse_key
from wire.refusals import CloseCode
from wire.settings import CoordinatorSettings, read_settings

WORKER_PORT = 8765
EXIT_WRONG_USE, EXIT_BROKEN = 64, 70
DRAIN_POLL_S = 0.02


async def serve(fleet_key: bytes, settings: CoordinatorSettings, journal_dir: Path, store_dir: Path) -> int:
    """Run until asked to leave. Returns the exit code."""
    file = JournalFile(journal_dir / "coordinator.jsonl")
    journal = LoggedJournal("coordinator", file.write, time.monotonic_ns, time.time)
    store = SqliteStore(store_dir / "ledger.sqlite")
    recovered = store.load()
    journal(
        events.ProcessStarted, role="coordinator", incarnation=uuid.uuid4().hex,
        settings=msgspec.Raw(msgspec.json.encode(settings)), epoch=recovered.epoch,
    )  # fmt: skip
    core = Core(settings, fleet_key, recovered, journal, os.urandom, time.monotonic_ns())
    file.flush()
    shell = Shell(core, store, file, fleet_key)
    leave = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)
    runner = web.AppRunner(Control(shell, leave.set).app(), access_log=None)
    await runner.setup()
    host = os.environ.get("STORMLAB_LISTEN") or "0.0.0.0"
    workers = await shell.listen(host, int(os.environ.get("COORDINATOR_PORT") or WORKER_PORT))
    site = web.TCPSite(runner, "0.0.0.0", int(os.environ.get("CONTROL_PORT") or CONTROL_PORT), backlog=256)
    await site.start()
    ports = [workers.sockets[0].getsockname()[1], runner.addresses[0][1]]
    say(f"listening on {host}:{ports[0]} (epoch {core.epoch}), control on 0.0.0.0:{ports[1]}")
    for_ever = [asyncio.create_task(shell.committer.run()), asyncio.create_task(shell.tick())]
    leaving = asyncio.create_task(leave.wait())
    await asyncio.wait([*for_ever, leaving], return_when=asyncio.FIRST_COMPLETED)
    broken = next((task.exception() for task in for_ever if task.done()), None)
    if broken is not None:
        say(f"stops: the store cannot write ({broken}); free its disk, and start again: nothing acknowledged is lost")
        return EXIT_BROKEN
    await drain(shell, settings)
    workers.close(code=CloseCode.going_away, reason="the coordinator is leaving")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(workers.wait_closed(), 3)
    await shell.committer.durable()
    await runner.cleanup()
    core.record_totals()
    journal(events.ProcessStopping, reason="asked to leave")
    file.close()
    say("left")
    return 0


async def drain(shell: Shell, settings: CoordinatorSettings) -> None:
    """Let workers finish what they have, for as long as the settings allow, and keep it."""
    deadline_s = time.monotonic() + settings.drain_timeout_ms / 1000
    shell.core.on_drain(time.monotonic_ns())
    shell.act()
    say("leaving: no new work, waiting for what is under way")
    while not shell.core.is_idle() and time.monotonic() < deadline_s:
        await asyncio.sleep(DRAIN_POLL_S)
    await shell.committer.durable()
    # One more turn, so that the acknowledgements of the last commit are on their way.
    await asyncio.sleep(DRAIN_POLL_S)


def main() -> int:
    """Read the environment; wrong values end with a sentence."""
    try:
        fleet_key = parse_key(os.environ.get("STORMLAB_KEY", ""))
        settings = read_settings(os.environ.get("STORMLAB_COORDINATOR", ""), CoordinatorSettings)
    except ValueError as error:
        say(f"cannot start: {error}")
        return EXIT_WRONG_USE
    folders = [Path(os.environ.get(name) or default) for name, default in
               (("JOURNAL_DIR", "/journal"), ("STORE_DIR", "/store"))]
    try:
        return uvloop.run(serve(fleet_key, settings, *folders))
    except (OSError, sqlite3.Error) as error:
        say(f"cannot go on: {error}")
        return EXIT_BROKEN


if __name__ == "__main__":
    sys.exit(main())
