"""Keeps one program and all that it starts: `python -I -S keeper.py PROGRAM ARGUMENT…`. Standard library
alone, so that it starts fast.

A program's child can leave its process group and its parent (setsid, a double fork), but not its subreaper
(prctl(2), PR_SET_CHILD_SUBREAPER): whoever loses its parent becomes the keeper's child. So the tree below a
keeper is all of the task, and the keeper ends when that tree is gone: once the program ended, or once the
other end of its standard input closed, be it that the worker wants so or that it died.

Standard input is a socket to the worker. One line comes back over it: `exit 3`, `signal 9`, or `cannot` and
why the program could not be started. The program does not inherit it.
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
"""What cannot be killed in this time hangs in the kernel; the container's end takes it."""


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def is_subreaper() -> bool:
    """Whether orphans below this process become its children."""
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return answer.value == 1


def families() -> dict[int, list[int]]:
    """The children of each process that has any, zombies among them."""
    found: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    # The second field is the program's name, in brackets, and may hold anything.
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue  # It ended meanwhile.
            found.setdefault(parent, []).append(int(entry))
    return found


def below(pid: int) -> list[int]:
    """All processes below one, parents first."""
    family = families()
    found = list(family.get(pid, ()))
    for one in found:
        found += family.get(one, ())
    return found


def end_below(but: Collection[int] = ()) -> bool:
    """Kill and reap all that is below this process, its children `but` and theirs left out.

    What is orphaned or born meanwhile is looked for again, until nothing is left; False where that took
    longer than END_WITHIN_S. This process must be a subreaper.
    """
    deadline_s = time.monotonic() + END_WITHIN_S
    while children := [pid for pid in families().get(os.getpid(), ()) if pid not in but]:
        for child in children:
            for pid in (child, *below(child)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for child in children:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        if time.monotonic() > deadline_s:
            return False
        time.sleep(LOOK_S)
    return True


def keep(argv: list[str], lifeline: socket.socket) -> str:
    """Run a program until it ends or the lifeline does; returns how it ended, "" after the lifeline's end."""
    reading, writing = os.pipe()  # Closed by a successful exec, else it carries the error.
    pid = os.fork()
    if pid == 0:
        _become(argv, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        error = told.read()
    if error:
        os.waitpid(pid, 0)
        return f"cannot {error}"
    # The program's output is not ours to hold: whoever reads it waits for the last holder.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return _wait(pid, lifeline)


def _become(argv: list[str], writing: int) -> None:
    """In the child: the program itself, or the error in the pipe."""
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
        # Everything that is orphaned becomes ours, and is reaped here.
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
    """Keep the program that the arguments name."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_DUMPABLE, 0)
    lifeline = socket.socket(fileno=os.dup(0))
    try:
        said = keep(sys.argv[1:], lifeline)
    except OSError as error:  # No process more may be made here.
        said = f"cannot {error}"
    end_below()
    try:
        lifeline.sendall(f"{said}\n".encode()[:4096])
    except OSError:
        return 1  # Nobody asks any more.
    return 0


if __name__ == "__main__":
    sys.exit(main())
