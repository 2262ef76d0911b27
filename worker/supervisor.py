"""Runs one program and ends its whole process tree: `python -I -S supervisor.py PROGRAM ARGUMENT…`. It
imports only the standard library, so that it starts fast.

A program's child can leave its process group and its parent (setsid, a double fork), but not its subreaper
(prctl(2), PR_SET_CHILD_SUBREAPER): an orphan becomes the supervisor's child. So the processes below a
supervisor are the whole task, and the supervisor ends when they have ended: after the program's end, or after
the other end of its standard input is closed, by the worker or by the worker's death.

Standard input is a socket to the worker. The supervisor writes one line to it: `exit 3`, `signal 9`, or
`cannot` and why the program could not be started. The program does not inherit it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Collection
from contextlib import suppress

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 4, 36, 37
LOOK_S = 0.002
END_WITHIN_S = 5.0
"""A process that survives SIGKILL for this long hangs in the kernel, and ends with the container."""


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def is_subreaper() -> bool:
    """Return whether orphans among this process's descendants become its children."""
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return answer.value == 1


def child_pids_by_parent() -> dict[int, list[int]]:
    """Return the children of each process that has any, zombies included."""
    found: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    # The second field is the program's name, in brackets, and may contain any character.
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue  # The process has ended.
            found.setdefault(parent, []).append(int(entry))
    return found


def descendants(pid: int) -> list[int]:
    """Return all descendants of a process, parents first."""
    children = child_pids_by_parent()
    found = list(children.get(pid, ()))
    for one in found:
        found += children.get(one, ())
    return found


def kill_descendants(spare: Collection[int] = (), within_s: float = END_WITHIN_S) -> bool:
    """Kill and reap all descendants of this process but the children in `spare` and theirs.

    Repeats until none is left, since processes are orphaned and started meanwhile; returns False where that
    takes longer than `within_s`. This process must be a subreaper.
    """
    deadline_s = time.monotonic() + within_s
    while children := [pid for pid in child_pids_by_parent().get(os.getpid(), ()) if pid not in spare]:
        for child in children:
            for pid in (child, *descendants(child)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for child in children:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        if time.monotonic() > deadline_s:
            return False
        time.sleep(LOOK_S)
    return True


def supervise(argv: list[str], lifeline: socket.socket) -> str:
    """Run a program until it ends or the lifeline is closed; returns how it ended, "" where the lifeline was
    closed.

    Raises OSError where no process can be made.
    """
    reading, writing = os.pipe()  # Closed by a successful exec, else it carries the error.
    pid = os.fork()
    if pid == 0:
        _exec(argv, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        error = pipe.read()
    if error:
        os.waitpid(pid, 0)
        return f"cannot {error}"
    # A reader of the program's output waits for the last process that has it open: this one must not.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return _wait(pid, lifeline)


def _exec(argv: list[str], writing: int) -> None:
    """In the child: execute the program, or write the error to the pipe."""
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except (OSError, ValueError) as error:
        os.write(writing, str(error).encode())
    finally:
        os._exit(127)


def _wait(pid: int, lifeline: socket.socket) -> str:
    exited, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    while True:
        # Orphans become children of this process, and are reaped here.
        while True:
            try:
                done, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ""
            if done == pid:
                code = os.waitstatus_to_exitcode(status)
                return f"exit {code}" if code >= 0 else f"signal {-code}"
            if done == 0:
                break
        ready, _, _ = select.select([lifeline.fileno(), exited], [], [])
        if lifeline.fileno() in ready:
            return ""
        os.read(exited, 4096)


def main() -> int:
    """Run the program that the arguments name."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_DUMPABLE, 0)
    lifeline = socket.socket(fileno=os.dup(0))
    try:
        report = supervise(sys.argv[1:], lifeline)
    except OSError as error:  # The limit on processes is reached.
        report = f"cannot {error}"
    kill_descendants()
    try:
        lifeline.sendall(f"{report}\n".encode()[:4096])
    except OSError:
        return 1  # The worker has closed the lifeline.
    return 0


if __name__ == "__main__":
    sys.exit(main())
