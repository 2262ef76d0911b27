"""python -m coordinator: open the store, listen, and drain on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sqlite3
import sys
import time
import traceback
import uuid
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web
from websockets.asyncio.server import Server

from coordinator.console_log import CoordinatorConsole, print_line
from coordinator.control_api import ControlApi
from coordinator.control_auth import ControlAuth, parse_token
from coordinator.core import CoordinatorCore
from coordinator.journal_file import CoordinatorJournalFile, without_journaled
from coordinator.server import CoordinatorServer
from coordinator.store import SqliteStore
from wire import events
from wire.console_journal import ConsoleJournal
from wire.control import CONTROL_PORT
from wire.errors import CloseCode
from wire.keys import parse_key
from wire.settings import CoordinatorSettings, read_settings

WORKER_PORT = 8765
ANY_ADDRESS = "0.0.0.0"
CONTROL_BACKLOG = 256
EXIT_WRONG_USE, EXIT_BROKEN = 64, 70
DRAIN_LOOK_S = 0.02
CLOSE_S = 3
SWITCH_S = 0.000_5
"""The store's thread requests the interpreter some thirty times a transaction, and waits this long each time
while the loop is busy. With Python's five milliseconds, workers would run out of credit meanwhile.
"""
COLLECT_EVERY = 50_000
"""New objects after which the garbage collector runs. Finished tasks leave no cycles, and scanning all
waiting tasks takes time from them.
"""


async def serve(
    fleet_key: bytes, guard: ControlAuth, settings: CoordinatorSettings, journal_dir: Path, store_dir: Path
) -> None:
    """Run until SIGTERM, SIGINT or POST /drain. Raises the error that broke the server."""
    # A restart makes objects by the million, and all of them stay: a collection would find nothing.
    gc.disable()
    store = SqliteStore(store_dir / "ledger.sqlite")
    path = journal_dir / "coordinator.jsonl"
    recovered = without_journaled(store.load(), path)
    file = CoordinatorJournalFile(path)
    console = CoordinatorConsole()
    journal = ConsoleJournal("coordinator", file.write, time.monotonic_ns, time.time, console)
    journal(
        events.ProcessStarted, role="coordinator", incarnation=uuid.uuid4().hex,
        settings=msgspec.Raw(msgspec.json.encode(settings)), epoch=recovered.epoch,
    )  # fmt: skip
    core = CoordinatorCore(settings, fleet_key, recovered, journal, os.urandom, time.monotonic_ns())
    del recovered
    server = CoordinatorServer(core, store, file, fleet_key)
    leave = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)
    host = os.environ.get("STORMLAB_LISTEN") or ANY_ADDRESS
    workers = await server.listen(host, int(os.environ.get("COORDINATOR_PORT") or WORKER_PORT))
    # A request that still waits for results is sent again to the next process. A handler ends with its
    # client, so that no wait takes up room for a client that left.
    runner = web.AppRunner(
        ControlApi(server, leave.set, guard).app(),
        access_log=None,
        shutdown_timeout=CLOSE_S,
        handler_cancellation=True,
    )
    await runner.setup()
    port = int(os.environ.get("CONTROL_PORT") or CONTROL_PORT)
    control_host = os.environ.get("CONTROL_LISTEN") or ANY_ADDRESS
    await web.TCPSite(runner, control_host, port, backlog=CONTROL_BACKLOG).start()
    print_line(f"listening on {host}:{workers.sockets[0].getsockname()[1]}, epoch {core.epoch}")
    print_line(f"control on {control_host}:{runner.addresses[0][1]}")
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    gc.enable()
    draining = asyncio.create_task(_leave(leave, server, settings, workers))
    # At whatever step: a process whose store failed must not continue, nor wait for rows to become durable.
    await asyncio.wait((draining, server.broken), return_when=asyncio.FIRST_COMPLETED)
    if server.broken.done():
        await server.broken
    await draining
    await runner.cleanup()
    core.record_totals()
    journal(events.ProcessStopping, reason="asked to leave")
    file.close()
    print_line("left")


async def _leave(
    leave: asyncio.Event, server: CoordinatorServer, settings: CoordinatorSettings, workers: Server
) -> None:
    """Wait for the signal to leave; then drain, and close every connection."""
    await leave.wait()
    await drain(server, settings)
    workers.close(code=CloseCode.going_away, reason="the coordinator is leaving")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(workers.wait_closed(), CLOSE_S)
    await server.committer.durable()


async def drain(server: CoordinatorServer, settings: CoordinatorSettings) -> None:
    """Let workers finish their attempts, within `settings.drain_timeout_ms`, and store the results."""
    print_line("draining: no new tasks, waiting for attempts under way")
    server.core.on_drain(time.monotonic_ns())
    server.act()
    looks = round(settings.drain_timeout_ms / 1000 / DRAIN_LOOK_S)
    for _ in range(looks):
        if server.core.is_idle():
            break
        await asyncio.sleep(DRAIN_LOOK_S)
    await server.committer.durable()
    # One more turn of the loop, so that the acknowledgements of the last commit are sent.
    await asyncio.sleep(DRAIN_LOOK_S)


def main() -> int:
    """Read the environment and serve; return the exit code. Every error is printed as a sentence."""
    try:
        fleet_key = parse_key(os.environ.get("STORMLAB_KEY", ""))
        guard = ControlAuth(parse_token(os.environ.get("STORMLAB_CONTROL_TOKEN", "")))
        settings = read_settings(os.environ.get("STORMLAB_COORDINATOR", ""), CoordinatorSettings)
    except ValueError as error:
        print_line(f"cannot start: {error}")
        return EXIT_WRONG_USE
    journal_dir = Path(os.environ.get("JOURNAL_DIR") or "/journal")
    store_dir = Path(os.environ.get("STORE_DIR") or "/store")
    try:
        uvloop.run(serve(fleet_key, guard, settings, journal_dir, store_dir))
    except (OSError, sqlite3.Error) as error:
        # In one line: a verdict quotes the last one.
        print_line(
            f"stops: {error} (journal in {journal_dir}, store in {store_dir}); repair that and start it "
            "again: nothing that was acknowledged is lost"
        )
        return EXIT_BROKEN
    except Exception:
        print_line("stops: a defect in the coordinator itself; nothing that was acknowledged is lost")
        traceback.print_exc()
        return EXIT_BROKEN
    return 0


if __name__ == "__main__":
    sys.exit(main())
