"""A container on each host that answers with its clock: over the engine's API, on no network at all."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Any

from driver.engines.container_texts import ENGINE, NUMBER, PROJECT, SERVICE
from driver.engines.docker_sdk import DockerSdk
from driver.engines.hosts import ENGINE_NAME
from driver.errors import ContainerGoneError, EngineGoneError
from driver.histories.host_clock import ClockReading

AGENT = "clock"
ANSWER_WITHIN_S = 5.0
TRIPS = 3
_PYTHON = "/venv/bin/python"
_ANSWER = "import sys, time\nfor line in sys.stdin:\n    print(time.monotonic_ns(), flush=True)"
_LOOK = """
import json, pathlib, sys
address, found = sys.argv[1], 0
import socket, fcntl, struct
for number, name in socket.if_nameindex():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            packed = fcntl.ioctl(one.fileno(), 0x8915, struct.pack("256s", name.encode()[:15]))
        except OSError:
            continue
    if socket.inet_ntoa(packed[20:24]) == address:
        found = int(pathlib.Path("/sys/class/net", name, "mtu").read_text())
vxlan = pathlib.Path("/sys/module/vxlan").exists()
print(json.dumps({"mtu": found, "vxlan": vxlan}))
"""


def agent_body(project: str, image: str) -> dict[str, Any]:
    """Return the body of the container that answers with the clock."""
    return {
        **_python(project, image, AGENT),
        "Cmd": ["-c", _ANSWER],
        "OpenStdin": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "HostConfig": {**_RESTRICTED, "NetworkMode": "none", "Init": True},
    }


def look_body(project: str, image: str, address: str) -> dict[str, Any]:
    """Return the body of a container that prints the MTU of the interface with an address, and ends."""
    return {
        **_python(project, image, "look"),
        "Cmd": ["-c", _LOOK, address],
        "HostConfig": {**_RESTRICTED, "NetworkMode": "host"},
    }


_RESTRICTED = {
    "CapDrop": ["ALL"], "ReadonlyRootfs": True, "Memory": 64 << 20, "PidsLimit": 16,
    "SecurityOpt": ["no-new-privileges:true"],
}  # fmt: skip


def _python(project: str, image: str, service: str) -> dict[str, Any]:
    labels = {PROJECT: project, SERVICE: service, NUMBER: "1", ENGINE: ENGINE_NAME}
    return {"Image": image, "Entrypoint": [_PYTHON], "User": "10001:10001", "Labels": labels, "Tty": False}


class HostClockAgent:
    """The stream to the container of one host that answers with its clock. For any thread."""

    def __init__(self, sdk: DockerSdk, host: str) -> None:
        self._sdk = sdk
        self._host = host
        self._stream: socket.socket | None = None
        self._turn = threading.Lock()

    def read(self) -> ClockReading:
        """Return the shortest of TRIPS round trips. Raises EngineGoneError when the host does not answer."""
        with self._turn:
            try:
                stream = self._connected()
                trips = [self._trip(stream) for _ in range(TRIPS)]
            except (OSError, ValueError, ContainerGoneError) as error:
                self._close()
                raise EngineGoneError(
                    f"The host {self._host} does not answer: {error}.", "Is it up? docker -H ADDRESS version"
                ) from None
        return min(trips, key=lambda one: one.answered_ns - one.asked_ns)

    def close(self) -> None:
        """Close the stream."""
        with self._turn:
            self._close()

    def _connected(self) -> socket.socket:
        if self._stream is None:
            made = self._sdk.attached_stream(AGENT)
            self._stream = getattr(made, "_sock", made)
            self._stream.settimeout(ANSWER_WITHIN_S)
        return self._stream

    def _trip(self, stream: socket.socket) -> ClockReading:
        asked_ns = time.monotonic_ns()
        stream.sendall(b"\n")
        text = b""
        while not text.endswith(b"\n"):
            # Eight bytes before each piece: the stream that it is of, and its length.
            kind, size = struct.unpack(">B3xI", _exactly(stream, 8))
            piece = _exactly(stream, min(size, 256))
            text += piece if kind == 1 else b""
            if len(text) > 64:
                raise ValueError("it answers something other than its clock")
        return ClockReading(asked_ns, int(text), time.monotonic_ns())

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise OSError("its stream ended")
        data += piece
    return data
