"""First process of a lab's process namespace: forks a process init for each process that is to start.

It has imported the modules of server, client and prober, so that a start takes milliseconds and shares
their memory. One thread: a fork copies no other.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType

from driver.engines.process import linux
from driver.engines.process.process_init import BROKEN, run_init

FORK = b"fork"
DESCRIPTORS = 3
"""With each order: a socket to the supervisor, the folder of logs, and a network namespace where there is
one.
"""


@dataclass(frozen=True)
class ForkServer:
    """A running fork server: its process, and the socket to which `order_init` sends."""

    pid: int
    orders: socket.socket


def start_fork_server(modules: Sequence[str], isolated: bool) -> ForkServer:
    """Fork the server. Raises OSError.

    Call it before this process has other threads. Where `isolated`, the server is the first process of a
    process namespace, and each of its children of another one. It ends when the socket is closed, and its
    children with it.
    """
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    announced, announcing = os.pipe2(os.O_CLOEXEC)
    first = os.fork()
    if first == 0:
        mine.close()
        os.close(announced)
        _launch(its, announcing, modules, isolated)
    its.close()
    os.close(announcing)
    with os.fdopen(announced, "rb") as pipe:
        pid = pipe.read()
    os.waitpid(first, 0)
    if not pid:
        raise OSError(0, "the fork server did not start")
    return ForkServer(int(pid), mine)


def _launch(orders: socket.socket, announcing: int, modules: Sequence[str], isolated: bool) -> None:
    """In a child: fork the server, write its process id, and end. A process whose children are in another
    namespace can have no threads, so that the supervisor itself does not do this.
    """
    code = BROKEN
    try:
        if isolated:
            linux.unshare(linux.CLONE_NEWPID)
        pid = os.fork()
        if pid:
            os.write(announcing, str(pid).encode())
            code = 0
        else:
            _keep_only(orders)
            code = _serve(orders, modules, isolated)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def order_init(server: socket.socket, control: socket.socket, logs: int, network: int | None) -> None:
    """Order a process init, which talks to the other end of `control`."""
    descriptors = [control.fileno(), logs, *([] if network is None else [network])]
    socket.send_fds(server, [FORK], descriptors)


def _serve(orders: socket.socket, modules: Sequence[str], isolated: bool) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    imported: dict[str, ModuleType] = {name: importlib.import_module(name) for name in modules}
    # What is frozen here is not written to by a child's collector, and stays shared.
    gc.collect()
    gc.freeze()
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if isolated else None
    while True:
        word, descriptors, _, _ = socket.recv_fds(orders, len(FORK), DESCRIPTORS)
        if not word:
            return 0
        # A process that the kernel refuses ends no other: its connection is closed.
        try:
            if own is not None:
                linux.unshare(linux.CLONE_NEWPID)
            if os.fork() == 0:
                _run_child(orders, descriptors, imported)
        except OSError:
            traceback.print_exc()
        if own is not None:
            linux.setns(own, linux.CLONE_NEWPID)
        for descriptor in descriptors:
            os.close(descriptor)


def _run_child(orders: socket.socket, descriptors: Sequence[int], modules: Mapping[str, ModuleType]) -> None:
    code = BROKEN
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        orders.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control = socket.socket(fileno=descriptors[0])
        network = descriptors[2] if len(descriptors) > 2 else None
        code = run_init(control, descriptors[1], network, modules)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _keep_only(kept: socket.socket) -> None:
    """Close every descriptor but the standard ones and `kept`: published ports are the supervisor's alone."""
    number = kept.fileno()
    os.closerange(3, number)
    os.closerange(number + 1, 1 << 16)
