"""One lock for each lab of this machine, and the commands that hold it.

A lab is identified by its project's name, in every checkout and terminal. The kernel releases the lock of a
process that dies (`flock`).
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from chaos.units import format_seconds
from driver.engines.engine import Say
from driver.errors import (
    ContainerGoneError,
    LabError,
    LabInUseError,
    LinksError,
    NoLabError,
    UsageError,
)
from driver.files import FileReadError, read_file
from driver.labs.project_name import project_option
from driver.typed_json import decode_json
from wire.errors import DECODE_ERRORS

LOCKS = Path("/tmp/stormlab-locks")
"""Shared by all users of the machine, as its Docker engine is."""
WAIT_S = 1.0
WAIT_FOR_S = {"down": 60.0, "heal": 30.0}
"""How long a command waits for the holders of a lab: longer for these, which end soon by themselves."""
CHANGE_CONTAINERS = ("up", "down", "scenario")
"""Commands that make or remove containers of a lab."""
STOP_WAIT_S = 180.0
POLL_S = 0.05
SYSTEM = "--system"
"""The word of a command on a system, after which the path of its Compose file follows."""
SYSTEM_VERBS = ("learn", "try")
"""Commands whose second word is the path of a Compose file."""
_SAY_AFTER_S = 1.0
_MAX_BYTES = 4096


class LockHolder(msgspec.Struct, frozen=True):
    """A command that holds a lab: its words after `lab.py`, its process, and the wall time of its begin.

    `pid` is valid in the process namespace `namespace`: a container that shares the folder has another one.
    """

    words: list[str]
    pid: int
    since_wall_s: float
    namespace: str

    def __str__(self) -> str:
        return self.described(time.time())

    def described(self, now_wall_s: float) -> str:
        """Return the command, its process, and for how long it has held the lab."""
        held_s = round(max(0.0, now_wall_s - self.since_wall_s))
        return f"`{' '.join(self.words)}` (pid {self.pid}, begun {format_seconds(held_s)} ago)"


@contextmanager
def lab_lock(
    project: str, *words: str, shared: bool = False, say: Say | None = None, wait_s: float = WAIT_S
) -> Iterator[int]:
    """Hold a lab during the block, for the command `words`; yields the lock's descriptor.

    One command holds it exclusively, or any number with `shared`. Waits for other holders, as WAIT_FOR_S
    says, or else `wait_s`. Raises LabInUseError after this wait, LabError where the lock cannot be opened,
    and OSError where its record cannot be written.
    """
    with ExitStack() as stack:
        lock = _open(_lock_path(project))
        stack.callback(os.close, lock)
        _wait(lock, project, words, shared, say, wait_s)
        if not shared:
            _remove_stale_records(project)
        me = LockHolder(list(words), os.getpid(), time.time(), _namespace())
        stack.callback(_write_record(project, me))
        yield lock


@contextmanager
def inherited_lock(project: str, descriptor: int) -> Iterator[int]:
    """Hold a lab by the parent's lock, passed on as `descriptor`. Raises LabError for any other file."""
    try:
        is_it = os.path.samestat(os.fstat(descriptor), os.stat(_lock_path(project)))
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        is_it = False
    if not is_it:
        raise LabError(f"Descriptor {descriptor} is not the held lock of the lab {project!r}.")
    yield descriptor


@contextmanager
def try_lab_lock(project: str) -> Iterator[bool]:
    """Hold a lab exclusively during the block if no command holds it; yields whether. Raises LabError."""
    with ExitStack() as stack:
        lock = _open(_lock_path(project))
        stack.callback(os.close, lock)
        yield _try(lock, shared=False)


def lock_holders(project: str) -> list[LockHolder]:
    """Return the commands that hold a lab now, oldest first."""
    found = []
    for path in LOCKS.glob(f"{project}.*.json"):
        with suppress(OSError), path.open("rb") as file:
            if _try(file.fileno(), shared=True):
                # Nothing locks the record: its command was killed.
                continue
            with suppress(FileReadError, *DECODE_ERRORS):
                found.append(decode_json(read_file(path, _MAX_BYTES), LockHolder))
    return sorted(found, key=lambda one: one.since_wall_s)


@contextmanager
def reading_unlocked(project: str) -> Iterator[None]:
    """Read a lab during the block without holding it.

    Raises LabInUseError in place of ContainerGoneError and LinksError while a command holds the lab, and in
    place of UsageError while one makes or removes its containers: a target may not be there yet.
    """
    try:
        yield
    except (LabInUseError, NoLabError):
        raise
    except (ContainerGoneError, LinksError, UsageError) as error:
        found = lock_holders(project)
        if isinstance(error, UsageError):
            found = [one for one in found if one.words[:1] and one.words[0] in CHANGE_CONTAINERS]
        if not found:
            raise
        raise LabInUseError(
            f"{error.sentence} The lab {project!r} is in use by {_named(found)}.",
            "Try again when it has ended.",
        ) from None


def stop_lock_holders(project: str, say: Say) -> None:
    """Send SIGTERM to the commands that hold a lab, and wait until they have ended, STOP_WAIT_S at most.

    Commands that are `down` themselves are left alone. Raises LabError for a command in another container or
    of another user.
    """
    for holder in lock_holders(project):
        if holder.words[0] == "down":
            continue
        if holder.namespace != _namespace():
            raise LabError(
                f"{holder} uses the lab {project!r}, in another container of this machine.", "End it there."
            )
        say(f"Stopping {holder}.")
        try:
            os.kill(holder.pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
        except PermissionError:
            raise LabError(
                f"{holder} uses the lab {project!r}, and belongs to another user.", "Ask them to end it."
            ) from None
    deadline = time.monotonic() + STOP_WAIT_S
    while time.monotonic() < deadline:
        with try_lab_lock(project) as is_free:
            if is_free:
                return
        time.sleep(POLL_S)


def _wait(
    lock: int, project: str, words: tuple[str, ...], shared: bool, say: Say | None, wait_s: float
) -> None:
    began = time.monotonic()
    said = False
    while not _try(lock, shared):
        now_s = time.monotonic() - began
        found = lock_holders(project)
        if now_s > max((WAIT_FOR_S.get(one.words[0], wait_s) for one in found), default=wait_s):
            raise LabInUseError(*_in_use(project, words, found))
        if say is not None and not said and now_s > _SAY_AFTER_S:
            said = True
            say(f"Waiting for {_named(found)}.")
        time.sleep(POLL_S)


def _in_use(project: str, words: tuple[str, ...], found: list[LockHolder]) -> tuple[str, str]:
    """Return sentence and hint of the error for a lab that other commands hold."""
    cannot = f"`{' '.join(words)}` cannot use the lab {project!r} now: it is in use by {_named(found)}."
    files = [_system_file(one) for one in (words, *(one.words for one in found))]
    file = next((one for one in files if one), "")
    force = (
        f"python lab.py down --force --system {shlex.quote(file)}"
        if file
        else f"python lab.py down --force{project_option(project)}"
    )
    return cannot, f"Wait until it ends, or press Ctrl-C where it runs; or stop it and take down: {force}"


def _system_file(words: Sequence[str]) -> str:
    """The Compose file of a command on a system; "" for one on a lab."""
    if SYSTEM in words[:-1]:
        return words[list(words).index(SYSTEM) + 1]
    return words[1] if words[0] in SYSTEM_VERBS and len(words) > 1 else ""


def _named(found: list[LockHolder]) -> str:
    return ", ".join(map(str, found)) or "a command without a record"


def _namespace() -> str:
    """Return this process's namespace of process ids; "" on a kernel without them."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _try(descriptor: int, shared: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_path(project: str) -> Path:
    return LOCKS / f"{project}.lock"


def _open(path: Path) -> int:
    """Return a descriptor of a file that every user of this machine may lock. Raises LabError."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            path.parent.chmod(0o1777)
        while True:
            # Without O_CREAT first: the kernel may refuse it for a file of another user in such a folder.
            with suppress(FileNotFoundError):
                return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with suppress(FileExistsError):
                made = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                os.fchmod(made, 0o644)
                return made
    except OSError as error:
        raise LabError(
            f"The lock of the lab cannot be opened: {path}: {error.strerror}.", f"Remove {path.parent}."
        ) from None


def _write_record(project: str, holder: LockHolder) -> Callable[[], None]:
    """Write the record of a holder, locked by this process. Returns a function that removes it."""
    path = LOCKS / f"{project}.{holder.pid}-{time.monotonic_ns()}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.fchmod(descriptor, 0o644)
    os.write(descriptor, msgspec.json.encode(holder))

    def remove() -> None:
        path.unlink(missing_ok=True)
        os.close(descriptor)

    return remove


def _remove_stale_records(project: str) -> None:
    """Remove all records. The caller holds the lab exclusively, so their commands were killed."""
    for path in LOCKS.glob(f"{project}.*.json"):
        # Another user's record remains; unlocked, it names no holder.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
