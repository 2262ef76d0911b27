"""`lab.py dashboard`: a page that shows a lab while it lives, and has a hand on its switch."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from pathlib import Path

import click
from aiohttp import web

from driver.cli import options, options_run
from driver.dashboard.guard import Guard
from driver.dashboard.past import Past
from driver.dashboard.server import make_app
from driver.dashboard.standing import Standing
from driver.dashboard.watch import Watch
from driver.errors import PortInUseError
from driver.host_ports import port_holder
from driver.interrupts import SIGNALS
from driver.labs.lab import HOST
from driver.terminal import print_lines

PORT = 8600


@click.command("dashboard")
@options.project
@click.option("--host", default=HOST, show_default=True, metavar="ADDRESS", help="Where to serve it.")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, metavar="N",
              help="Which port; 0: any that is free.")  # fmt: skip
@click.option("--lab-port", type=int, default=None, metavar="N",
              help="What scenarios that the page starts are told as their --port.")  # fmt: skip
@options_run.results
@click.option("--read-only", is_flag=True, help="Only show: nothing can be hurt, healed or started.")
@options.log_level
def command(project: str, host: str, port: int, lab_port: int | None, results: Path, read_only: bool) -> None:
    """Serve a page that shows the lab now: workers, queues, faults; break a part, and watch it heal.

    The address has a token in it, which only this address lets in. Ctrl-C ends it; the lab goes on.
    """
    watch = Watch(Standing(options.engine_of(project)), read_only, lab_port, results)
    asyncio.run(serve(watch, host, port, read_only))


def serve_until_stopped(project: str) -> None:
    """Serve a lab on any port that is free, until Ctrl-C."""
    asyncio.run(serve(Watch(Standing(options.engine_of(project))), HOST, 0, read_only=False))


async def serve(watch: Watch, host: str, port: int, read_only: bool) -> None:
    """Serve until told to end. Raises PortInUseError."""
    told = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    token = secrets.token_urlsafe(18)
    guard = Guard(token, host)
    app = make_app(watch, Past(watch.results), guard, read_only)
    # A page that is open would be waited for.
    runner = web.AppRunner(app, shutdown_timeout=0.5, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PortInUseError(
                f"Port {port} on {host} cannot be used ({error.strerror}): {port_holder(port)} has it.",
                f"Choose another: --port {port + 1}, or 0 for any that is free.",
            ) from None
        port = runner.addresses[0][1]
        guard.listen_on(port)
        shown = f"[{host}]" if ":" in host else host
        print_lines([f"http://{shown}:{port}/?token={token}"])
        await first_of(told.wait(), watch.broken())
    finally:
        await runner.cleanup()


async def first_of(*waits: Coroutine[object, object, object]) -> None:
    """Return when the first of them does, or raise what it raises; the others are given up."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
