"""What the benchmark of faults measures on: our Toxiproxy image on this host's loopback, and the prober.

No bridge and no other container is in between, so that what is measured is Toxiproxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from chaos.prober import events
from chaos.prober.connections import PROBE_BYTES, PROBE_PATH
from chaos.prober.link_prober import LinkProber
from chaos.prober.probe_rate import ProbeRate
from chaos.prober.settings import ProbedLink
from driver.histories.history import History, LineReader
from driver.judging.link_records import LinkRecord, link_records
from driver.labs.toxiproxy_api import Link
from driver.reference.labs.links import Links
from wire.events import Journal

IMAGE = os.environ.get("STORMLAB_TOXIPROXY_IMAGE", "stormlab/toxiproxy:dev")
HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return ports on which no socket listens at this moment."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass
class Toxiproxy:
    """Our image, running on the host's network until it is closed."""

    name: str = field(default_factory=lambda: f"bench-faults-{os.getpid()}")
    port: int = field(default_factory=lambda: free_ports(1)[0])

    def __enter__(self) -> Toxiproxy:
        flags = ["-host", HOST, "-port", str(self.port), "-runtime-metrics"]
        command = ["docker", "run", "--rm", "--detach", "--network", "host", "--name", self.name]
        subprocess.run([*command, "--env", "LOG_LEVEL=error", IMAGE, *flags], check=True, capture_output=True)
        self.links = Links(HOST, self.port)
        deadline = time.monotonic() + 20
        while not self.links.is_up():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{IMAGE} did not answer on port {self.port}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["docker", "rm", "--force", self.name], check=False, capture_output=True)

    def put(self, count: int, upstream_port: int) -> list[int]:
        """Make `count` links to one port of this host, and no others; the ports on which they listen."""
        ports = free_ports(count)
        upstream = f"{HOST}:{upstream_port}"
        made = [Link(f"worker-{number}", f"{HOST}:{port}", upstream) for number, port in enumerate(ports, 1)]
        self.links.create(made, remove_others=True)
        return ports

    def pid(self) -> int:
        """The process on this host."""
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", self.name]
        return int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)

    def descriptors(self) -> int:
        """How many files and sockets it holds (needs root on this host)."""
        return len(list(Path(f"/proc/{self.pid()}/fd").iterdir()))

    def goroutines(self) -> int:
        """How many goroutines it runs."""
        page = requests.get(f"http://{HOST}:{self.port}/metrics", timeout=5).text
        return next(
            int(float(line.split()[1])) for line in page.splitlines() if line.startswith("go_goroutines ")
        )


def body(
    fault_id: str, links: list[str], toxic: str = "", stream: str = "both", **attributes: Any
) -> dict[str, Any]:
    """The body of `POST /lab/faults` with one toxic."""
    toxics = [{"type": toxic, "stream": stream, "attributes": attributes}]
    return {"id": fault_id, "links": links, "lease_ms": 600_000, "seed": 7, "toxics": toxics}


# -- a coordinator's probe endpoint, and nothing else ------


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    """What the prober talks to; gives its port."""

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if request.path != PROBE_PATH:
            return None
        response = connection.respond(200, "")
        response.body = bytes(range(PROBE_BYTES))
        del response.headers["Content-Length"]
        response.headers["Content-Length"] = str(PROBE_BYTES)
        return response

    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async with serve(echo, HOST, 0, process_request=answer, compression=None, ping_interval=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


class Prober:
    """The lab's own prober on some ports, in this process; `look` is how closely."""

    def __init__(self, ports: list[int], look: ProbeRate) -> None:
        self._lines: list[bytes] = []
        self.look = look
        self._ports = ports
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Prober:
        journal = Journal("prober", self._lines.append, time.monotonic_ns, time.time)
        for number, port in enumerate(self._ports, 1):
            prober = LinkProber(
                ProbedLink(f"worker-{number}", HOST, port), journal, lambda: self.look, random.Random(number)
            )
            self._tasks.append(asyncio.create_task(prober.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def records(self) -> dict[str, LinkRecord]:
        """What it saw, by link."""
        reader = LineReader(events.ProberEvent.__args__)
        return link_records(History({"prober": reader.read("prober", b"".join(self._lines))}))
