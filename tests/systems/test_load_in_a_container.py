"""Claims about a load in a container, on the real engine: it reaches the doors, and is never left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driver.loads.load import OutsideNetwork
from driver.paths import project_root
from tests.driver.loads.one_load import Addresses, Record, group
from tests.waiting import eventually_in_thread

IMAGE = "stormlab/base-python:trixie"
PROJECT = f"load-test-{os.getpid()}"
NETWORK = f"{PROJECT}_sl_outside"
LIMIT_S = 60.0
ASKS = (
    "import json, os, socket, time\n"
    "host, port = os.environ['WEB_8000'].split(':')\n"
    "call_ns = time.monotonic_ns()\n"
    "answer = socket.create_connection((host, int(port)), 30).recv(100).decode()\n"
    "print(json.dumps({'op': 'ask', 'key': answer, 'call_ns': call_ns, 'return_ns': time.monotonic_ns(),\n"
    "                  'outcome': 'ok'}), flush=True)\n"
)
SERVES = (
    "import socket\nserver = socket.create_server(('', 8000))\nwhile True: server.accept()[0].send(b'here')\n"
)


class OnNetwork(Addresses):
    """A system whose one published port is at an address of its outside network."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def outside_network(self) -> OutsideNetwork:
        return OutsideNetwork(PROJECT, NETWORK, {("web", 8000): self._address})


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def containers() -> list[str]:
    """The containers of loads."""
    return docker("ps", "-a", "--filter", f"name={NETWORK}-load", "--format", "{{.Names}}").split()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server on a network of its own."""
    docker("network", "create", NETWORK)
    try:
        server = docker("run", "-d", "--rm", "--network", NETWORK, IMAGE, "python3", "-c", SERVES)
        try:
            found = docker(
                "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", server
            )
            yield f"{found}:8000"
        finally:
            docker("rm", "-f", server)
    finally:
        docker("network", "rm", NETWORK)


async def ran(address: str, folder: Path, program: str, **more: Any) -> Record:
    record = Record()
    given = {"image": IMAGE, "command": ["python3", "-c", program], "timeout": "30s", **more}
    loads = group(record, given, OnNetwork(address), folder, duration_s=5.0)
    await loads.run()
    await loads.after()
    return record


async def test_it_reaches_a_published_port_at_its_door(address: str, tmp_path: Path) -> None:
    record = await ran(address, tmp_path, ASKS)
    assert [(one.op, one.key) for one in record.operations()] == [("ask", "here")]
    assert record.trouble() == ""
    assert containers() == []


async def test_one_that_runs_on_is_removed_after_its_time(address: str, tmp_path: Path) -> None:
    record = await ran(address, tmp_path, "import time; time.sleep(300)", timeout="1s")
    assert "still ran 1 s after its time" in record.trouble()
    assert containers() == []


async def test_an_image_that_is_not_there_is_said(address: str, tmp_path: Path) -> None:
    record = await ran(address, tmp_path, "", image="no-such-image:at-all")
    assert "its command ended with exit 125" in record.trouble()


def test_it_is_removed_when_the_driver_is_killed(address: str, tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from tests.driver.loads.one_load import Record, group\n"
        "from tests.systems import test_load_in_a_container as here\n"
        "here.PROJECT, here.NETWORK = sys.argv[1:3]\n"
        "given = {'image': here.IMAGE, 'command': ['sleep', '300']}\n"
        "loads = group(Record(), given, here.OnNetwork(sys.argv[3]), Path(sys.argv[4]), duration_s=60)\n"
        "asyncio.run(loads.run())\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", script, PROJECT, NETWORK, address, str(tmp_path)], cwd=project_root()
    )
    try:
        eventually_in_thread(containers, "the container runs", LIMIT_S)
    finally:
        driver.kill()
        driver.wait()
    eventually_in_thread(lambda: not containers(), "the container is removed", LIMIT_S)
