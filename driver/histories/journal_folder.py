"""Where the journals of a run lie, and how they are read although processes under test write into them.

journals/driver.jsonl                 the driver's own; no container has this folder
journals/worker-3/worker-3.jsonl      in worker-3's own mount: what lies there is worker-3's, whatever it says

Runs of older labs keep every journal beside the driver's. In either place an entry that is no regular file is
never opened: a pipe would block its reader, a link would lead it elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

ENDING = ".jsonl"
MAX_JOURNAL_BYTES = 2 << 30
MAX_ENTRIES = 1000
"""Of one folder so many entries are looked at. A container makes as many as it likes."""
BESIDE = {"prober": ("prober.watch", ".prober.watch.")}
"""What the driver itself writes into a mount: the names begin so."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAJournalError(OSError):
    """An entry that must not be read as a journal; the text says what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.strerror = what


@dataclass
class Found:
    """Journals by the name of their process, and what else lies in a mount: (process, what it is)."""

    journals: dict[str, Path] = field(default_factory=dict)
    foreign: list[tuple[str, str]] = field(default_factory=list)


def find(folder: Path) -> Found:
    """The journals under `folder`, in the order of their names. An unreadable folder has none."""
    found = Found()
    entries = _entries(folder)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(ENDING):
            _look_into(entry, found)
    for entry in entries:
        name = entry.name.removesuffix(ENDING)
        if name == entry.name:
            continue
        if name in found.journals:
            found.foreign.append((name, f"{entry.name} beside the mount of {name}"))
        else:
            found.journals[name] = Path(entry.path)
    found.journals = dict(sorted(found.journals.items()))
    return found


def own_journal(folder: Path, process: str) -> Path:
    """Where a process with a mount of its own writes its journal; `folder` holds all mounts."""
    return folder / process / f"{process}{ENDING}"


@contextmanager
def opened(path: Path, most_bytes: int = MAX_JOURNAL_BYTES) -> Iterator[int]:
    """A descriptor of a journal, to be read. Never blocks and follows no link.

    Raises OSError, and NotAJournalError for anything but a regular file of at most `most_bytes`.
    """
    assert most_bytes > 0
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotAJournalError(kind) if (kind := _kind_of(path)) else error from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAJournalError(kind_of(status.st_mode))
        if status.st_size > most_bytes:
            raise NotAJournalError(f"{status.st_size} bytes long; a journal has at most {most_bytes}")
        yield descriptor
    finally:
        os.close(descriptor)


def read_bytes(path: Path, most_bytes: int = MAX_JOURNAL_BYTES) -> bytes:
    """A journal as it is now: bounded also while somebody still makes it longer. Raises as `opened` does."""
    with opened(path, most_bytes) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(most_bytes)


def kind_of(mode: int) -> str:
    """What an entry of this mode is, in words; "" for a regular file."""
    return next((words for is_one, words in _KINDS if is_one(mode)), "")


def _kind_of(path: Path) -> str:
    try:
        return kind_of(path.lstat().st_mode)
    except OSError:
        return ""


def _look_into(mount: os.DirEntry[str], found: Found) -> None:
    process = mount.name
    allowed = BESIDE.get(process, ())
    entries = _entries(Path(mount.path))
    for entry in entries:
        if entry.name == f"{process}{ENDING}":
            found.journals[process] = Path(entry.path)
        elif not entry.name.startswith(allowed or ("\0",)):
            what = kind_of(entry.stat(follow_symlinks=False).st_mode) or "a file"
            found.foreign.append((process, f"{entry.name[:80]!r} ({what})"))
    if len(entries) == MAX_ENTRIES:
        found.foreign.append((process, f"{MAX_ENTRIES} entries and more"))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(islice(entries, MAX_ENTRIES), key=lambda entry: entry.name)
    except OSError:
        return []
