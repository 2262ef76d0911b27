"""A wire with a stated delay between two network namespaces, for real TCP: the kernel may lack netem, and a
proxy would answer the handshake itself.

    with DelayedWire(core=1) as wire:
        with wire.at(NEAR): …    # sockets made and processes started here are at one end
        with wire.at(FAR): …     # and here at the other
        wire.delay(rtt_ms=100)
        wire.cut(port=8765)

The ends are TUN devices. A process between them, pinned to a core, holds each IP packet for half the round
trip and hands it on, in order, without losing one. `cut` has it send what a firewall sends that ends a
connection: an RST to either side. The namespaces have no names and hang on the processes in them: nothing can
be left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from benchmarks.affinity import starting_on
from benchmarks.packets import Segment, read_segment, reset

NEAR, FAR = 0, 1
ADDRESSES = ("10.77.0.1", "10.77.0.2")
QUEUE_MAX = 10_000
PACKET_BYTES = 65_536
_ROOT = Path(__file__).resolve().parent.parent
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = (
    0x400454CA, 0x8913, 0x8914, 0x8916, 0x891C,
)  # fmt: skip
_IFF_TUN_NO_PI, _IFF_UP = 0x1001, 1
_libc = ctypes.CDLL(None, use_errno=True)


class WireError(Exception):
    """The wire cannot be laid here; the sentence says what it takes."""


class DelayedWire:
    """A wire with a delay. Raises WireError where it cannot be made."""

    def __init__(self, core: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.delayed_wire"], cwd=_ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=starting_on(core),
        )  # fmt: skip
        self._ends: list[int] = []

    def __enter__(self) -> DelayedWire:
        try:
            said = self._answer().split()
            self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self._ends = [os.open(f"/proc/{self._process.pid}/fd/{number}", os.O_RDONLY) for number in said]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        for end in self._ends:
            os.close(end)

    @contextlib.contextmanager
    def at(self, end: int) -> Iterator[None]:
        """Put this thread at NEAR or FAR. Sockets stay where they were made."""
        _check(_libc.setns(self._ends[end], _CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_libc.setns(self._home, _CLONE_NEWNET))

    def delay(self, rtt_ms: float) -> None:
        """Hold each packet for half of this, from now on."""
        self._tell(f"delay {rtt_ms / 2}")

    def cut(self, port: int) -> None:
        """End the newest connection to FAR's `port`, by an RST to each side."""
        self._tell(f"cut {port}")

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if not said.startswith("ok"):
            raise WireError(said or "the process of the delayed wire ended")
        return said.removeprefix("ok")


class _Forwarder:
    """The relay between the two devices; index 0 is what comes from NEAR, 1 what comes from FAR."""

    def __init__(self, devices: list[int]) -> None:
        self._devices = devices
        self._held: tuple[deque[tuple[int, bytes]], ...] = (deque(), deque())
        self._delay_ns = 0
        self._newest: dict[int, Segment] = {}
        self._answers: dict[tuple[int, int], Segment] = {}

    def run(self) -> None:
        """Wait until no socket listens any more."""
        selector = selectors.DefaultSelector()
        for number, device in enumerate(self._devices):
            selector.register(device, selectors.EVENT_READ, number)
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in selector.select(self._wait_s()):
                if key.data is not None:
                    self._take(key.data)
                elif order := sys.stdin.readline():
                    self._obey(order.split())
                else:
                    return
            self._hand_on()

    def _wait_s(self) -> float | None:
        due = [held[0][0] for held in self._held if held]
        return max(0.0, (min(due) - time.monotonic_ns()) / 1e9) if due else None

    def _take(self, number: int) -> None:
        if len(self._held[number]) >= QUEUE_MAX:
            return
        packet = os.read(self._devices[number], PACKET_BYTES)
        segment = read_segment(packet)
        if segment is not None:
            if number == NEAR:
                self._newest[segment.to_port] = segment
            else:
                self._answers[segment.from_port, segment.to_port] = segment
            self._held[number].append((time.monotonic_ns() + self._delay_ns, packet))

    def _hand_on(self) -> None:
        now_ns = time.monotonic_ns()
        for number, held in enumerate(self._held):
            while held and held[0][0] <= now_ns:
                os.write(self._devices[1 - number], held.popleft()[1])

    def _obey(self, order: list[str]) -> None:
        if order[0] == "delay":
            self._delay_ns = int(float(order[1]) * 1e6)
        else:
            asked = self._newest[int(order[1])]
            answered = self._answers[asked.to_port, asked.from_port]
            os.write(self._devices[NEAR], reset(answered, asked.acknowledged))
            os.write(self._devices[FAR], reset(asked, answered.acknowledged))
        print("ok", flush=True)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _lay(address: str) -> tuple[int, int]:
    """A new namespace with a TUN device that has `address`: descriptors of both. This thread stays in it."""
    _check(_libc.unshare(_CLONE_NEWNET))
    namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"wire", _IFF_TUN_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.0")):
            fcntl.ioctl(control, request, struct.pack("16sHH4s8x", b"wire", 2, 0, socket.inet_aton(value)))
        for name in (b"wire", b"lo"):
            flags = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sH22x", name, 0))
            _, now = struct.unpack_from("16sH", flags)
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name, now | _IFF_UP))
    return namespace, device


def main() -> None:
    """Lay the wire, say which descriptors hold its ends, and forward until standard input ends."""
    try:
        ends = [_lay(address) for address in ADDRESSES]
    except OSError as error:
        print(f"the delayed wire needs root, network namespaces and /dev/net/tun: {error}", flush=True)
        return
    print("ok", *(namespace for namespace, _ in ends), flush=True)
    _Forwarder([device for _, device in ends]).run()


if __name__ == "__main__":
    main()
