"""`lab.py dashboard`: a live page of a lab, which also injects faults, heals, and runs scenarios."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import click
from aiohttp import web

from driver.cli import options, options_run, options_system
from driver.dashboard.auth import RequestAuth
from driver.engines.engine import HOST
from driver.errors import PortInUseError
from driver.host_ports import port_holder
from driver.interrupts import SIGNALS
from driver.terminal import print_lines

PORT = 8600


@click.command("dashboard")
@options.project
@options.engine
@options_system.system
@click.option("--host", default=HOST, show_default=True, metavar="ADDRESS", help="Where to serve it.")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, metavar="N",
              help="Which port; 0: any that is free.")  # fmt: skip
@click.option("--lab-port", type=int, default=None, metavar="N",
              help="The --port of scenarios that the page starts.")  # fmt: skip
@options_run.results
@click.option(
    "--read-only", is_flag=True, help="Only show the lab: the page can inject, heal and start nothing."
)
@options.log_level
def command(
    project: str,
    system: Path | None,
    host: str,
    port: int,
    lab_port: int | None,
    results: Path,
    read_only: bool,
) -> None:
    """Serve a live page of the lab: clients, queues, faults; inject a fault there, and follow its healing.

    Of a system: lanes of its links, its containers, the faults on them.

    The printed address has a token, without which every request is refused. Ctrl-C ends the page; the lab
    stays up.
    """
    options_system.refuse_options(system, (), ("project", "lab_port", "results"))
    if system is not None:
        # Imported here: the reference lab does not need it.
        from driver.cli.system_page import system_page

        page = system_page(system, read_only)
    else:
        # Imported here: a system does not need it.
        from driver.cli.reference.lab_page import lab_page

        page = lab_page(options.engine_of(project), read_only, lab_port, results)
    asyncio.run(serve(page, host, port))


def serve_until_stopped(project: str) -> None:
    """Serve the dashboard of a lab on a free port, until Ctrl-C."""
    from driver.cli.reference.lab_page import lab_page

    asyncio.run(serve(lab_page(options.engine_of(project)), HOST, 0))


@dataclass(frozen=True)
class ServedPage:
    """A page: its server for the rules of who may use it, and what waits until its loop fails."""

    app: Callable[[RequestAuth], web.Application]
    wait_failed: Callable[[], Coroutine[object, object, object]]


async def serve(page: ServedPage, host: str, port: int) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises PortInUseError, and the error of a loop that failed."""
    stopped = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    token = secrets.token_urlsafe(18)
    auth = RequestAuth(token, host)
    # Without a timeout the server would wait for every open page.
    runner = web.AppRunner(page.app(auth), shutdown_timeout=0.5, access_log=None)
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
        auth.set_port(port)
        shown = f"[{host}]" if ":" in host else host
        print_lines([f"http://{shown}:{port}/?token={token}"])
        await first_of(stopped.wait(), page.wait_failed())
    finally:
        await runner.cleanup()


async def first_of(*waits: Coroutine[object, object, object]) -> None:
    """Await the first of them to end, and raise its error, if any; the others are cancelled."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
