"""First process of one process of a lab: enters its namespaces, starts the program, writes its log, ends its
tree.

It runs in a fork of the fork server, and imports nothing while it runs: its files may be out of reach. Where
it has a process namespace it is process 1 there, and its end is the end of all others.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import ModuleType

import msgspec

from driver.engines.process import linux
from driver.engines.process.lab_root import furnish_machine, furnish_root
from driver.engines.process.log_file import PIECE_BYTES, LogWriter
from driver.engines.process.process_spec import (
    FREEZE,
    STOP,
    THAW,
    InitOrder,
    InitReport,
    ProcessSpec,
)
from driver.engines.process.process_tree import signal_descendants
from driver.typed_json import decode_json

BROKEN = 70
NOT_EXECUTED = 127
DRAIN_PIECES = 1_024
"""Pieces of output that are read after the program's end: a process that left its tree may hold the pipe."""


def run_init(
    control: socket.socket, logs: int, network: int | None, modules: Mapping[str, ModuleType]
) -> int:
    """Run one process to its end; returns its exit code. `network` is a descriptor of its network
    namespace.
    """
    order = decode_json(_line(control), InitOrder)
    try:
        init = _Init(order, control, logs, network, modules)
        init.start()
    except OSError as error:
        _report(control, InitReport("failed", detail=error.strerror or str(error)))
        return BROKEN
    return init.wait()


class _Init:
    def __init__(
        self,
        order: InitOrder,
        control: socket.socket,
        logs: int,
        network: int | None,
        modules: Mapping[str, ModuleType],
    ) -> None:
        self._order = order
        self._control = control
        self._network = network
        self._module = modules.get(order.spec.module)
        self._log = LogWriter(logs, order.log)
        self._owns_namespace = os.getpid() == 1
        self._program = 0
        self._output = -1

    def start(self) -> None:
        """Enter groups, namespaces and root, and start the program. Raises OSError."""
        if not self._owns_namespace:
            linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        for group in self._order.groups:
            with open(group, "wb", buffering=0) as file:
                file.write(b"0")
        if self._network is not None:
            linux.setns(self._network, linux.CLONE_NEWNET)
        if self._order.root:
            linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC)
            spec = self._order.spec
            socket.sethostname(spec.host_name or spec.name)
            if spec.keeps_files:
                furnish_machine(spec.mounts)
            else:
                furnish_root(self._order.root, spec.mounts)
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._output, writing = os.pipe2(os.O_CLOEXEC)
        refused, refusing = os.pipe2(os.O_CLOEXEC)
        self._program = os.fork()
        if self._program == 0:
            _run_program(self._order.spec, self._module, writing, refusing)
        os.close(writing)
        os.close(refusing)
        os.set_blocking(self._output, False)
        with os.fdopen(refused, "rb") as pipe:
            refusal = pipe.read()
        if refusal:
            raise OSError(0, refusal.decode(errors="replace"))
        _report(self._control, InitReport("started"))

    def wait(self) -> int:
        """Serve commands and write the log until the program has ended; return its exit code."""
        sources = {self._control.fileno(), self._output, self._woken}
        while True:
            ready = select.select(sources, (), ())[0]
            if self._woken in ready:
                os.read(self._woken, 4096)
                if (code := self._reap()) is not None:
                    return self._end(code)
            if self._output in ready and not self._copy_output():
                sources.discard(self._output)
            if self._control.fileno() in ready:
                command = self._control.recv(4096)
                if not command:
                    self._signal_all(signal.SIGKILL)
                    os._exit(128 + signal.SIGKILL)
                self._obey(command)

    def _obey(self, commands: bytes) -> None:
        for command in commands.splitlines(keepends=True):
            if command == STOP:
                with suppress(ProcessLookupError):
                    os.kill(self._program, signal.SIGTERM)
            elif command == FREEZE:
                self._signal_all(signal.SIGSTOP)
                _report(self._control, InitReport("stopped"))
            elif command == THAW:
                self._signal_all(signal.SIGCONT)
                _report(self._control, InitReport("continued"))

    def _reap(self) -> int | None:
        """Reap what has ended, orphans too; return the program's exit code once it has."""
        code = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return code
            if pid == 0:
                return code
            if pid == self._program:
                found = os.waitstatus_to_exitcode(status)
                code = found if found >= 0 else 128 - found

    def _copy_output(self) -> bool:
        """Write a piece of the program's output to the log; False at its end."""
        try:
            piece = os.read(self._output, PIECE_BYTES)
        except BlockingIOError:
            return True
        # A full disk ends no process.
        with suppress(OSError):
            self._log.write(piece)
        return bool(piece)

    def _end(self, code: int) -> int:
        self._signal_all(signal.SIGKILL)
        for _ in range(DRAIN_PIECES):
            if not select.select([self._output], (), (), 0)[0] or not self._copy_output():
                break
        with suppress(OSError):
            self._log.close()
        _report(self._control, InitReport("exited", exit_code=code))
        return code

    def _signal_all(self, number: signal.Signals) -> None:
        """Signal all other processes of this namespace, or all descendants where there is none."""
        if self._owns_namespace:
            with suppress(ProcessLookupError):
                os.kill(-1, number)
        else:
            signal_descendants(os.getpid(), number)


def _run_program(spec: ProcessSpec, module: ModuleType | None, output: int, refusing: int) -> None:
    """In the child: become the program. An error before it runs is written to `refusing`."""
    code = NOT_EXECUTED
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.dup2(refusing, 3)
        os.set_inheritable(3, False)
        os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        refusing = 3
        reset_signals(runs_python=module is not None)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if spec.file_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (spec.file_bytes, spec.file_bytes))
        _become_user(spec)
        if os.getppid() != 1:
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        if spec.begins_in:
            os.chdir(spec.begins_in)
        os.environ.clear()
        os.environ.update(spec.environment)
        if module is None:
            os.execvpe(spec.argv[0], spec.argv, os.environ)
        os.close(refusing)
        code = run_main(module.main)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            os.write(refusing, f"{spec.argv or spec.module}: {error}".encode())
    finally:
        os._exit(code)


def run_main(main: Callable[[], object]) -> int:
    """Run a module's `main` as the interpreter does; return the exit code."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    code = 0
    try:
        try:
            found = main()
        except SystemExit as left:
            found = left.code
        if found is not None and not isinstance(found, int):
            print(found, file=sys.stderr)
        code = 0 if found is None else found if isinstance(found, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def reset_signals(runs_python: bool) -> None:
    """Set signals as a new program has them; the interpreter itself ignores two of them."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN if runs_python else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _become_user(spec: ProcessSpec) -> None:
    """Give up capabilities, and change to the user of the spec."""
    if spec.run_as is None:
        if os.geteuid() == 0:
            linux.drop_capabilities()
        return
    if spec.switches_user:
        linux.drop_capabilities((linux.CAP_SETGID, linux.CAP_SETUID))
        return
    uid, gid = spec.run_as
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    # As after an execution: its own files in /proc are its own again.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)


def _line(control: socket.socket) -> bytes:
    found = bytearray()
    while not found.endswith(b"\n"):
        piece = control.recv(PIECE_BYTES)
        if not piece:
            os._exit(BROKEN)
        found += piece
    return bytes(found)


def _report(control: socket.socket, report: InitReport) -> None:
    # A supervisor that has ended reads nothing, and ends this process soon.
    with suppress(OSError):
        control.sendall(msgspec.json.encode(report) + b"\n")
