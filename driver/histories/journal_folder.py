"""The folder of a run's journals, read safely although processes under test write into it.

journals/driver.jsonl                 the driver's own; no container has this folder
journals/worker-3/worker-3.jsonl      in worker-3's own mount: worker-3 is the author of all in it

Runs of older labs keep every journal beside the driver's. An entry that is no regular file is never opened: a
pipe would block its reader, and a link would redirect it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

SUFFIX = ".jsonl"
MAX_JOURNAL_BYTES = 2 << 30
MAX_ENTRIES = 1000
"""Entries read of one folder at most: a container can make any number."""
BESIDE = {"prober": ("prober.watch", ".prober.watch.", "prober.links", ".prober.links.")}
"""Prefixes of the names that the driver itself writes into a mount."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAJournalError(OSError):
    """An entry that is not read as a journal; the text says what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.strerror = what


@dataclass
class FoundJournals:
    """Journals by process name, and foreign entries of mounts as (process, description)."""

    journals: dict[str, Path] = field(default_factory=dict)
    foreign: list[tuple[str, str]] = field(default_factory=list)


def find_journals(folder: Path) -> FoundJournals:
    """Return the journals under `folder`, sorted by name. An unreadable folder has none."""
    found = FoundJournals()
    entries = _entries(folder)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(SUFFIX):
            _scan_mount(entry, found)
    for entry in entries:
        name = entry.name.removesuffix(SUFFIX)
        if name == entry.name:
            continue
        if name in found.journals:
            found.foreign.append((name, f"{entry.name} beside the mount of {name}"))
        else:
            found.journals[name] = Path(entry.path)
    found.journals = dict(sorted(found.journals.items()))
    return found


def own_journal(folder: Path, process: str) -> Path:
    """Return the path of the journal in a process's own mount; `folder` holds all mounts."""
    return folder / process / f"{process}{SUFFIX}"


@contextmanager
def open_journal(path: Path, most_bytes: int = MAX_JOURNAL_BYTES) -> Iterator[int]:
    """Open a journal for reading, as a descriptor. Never blocks, follows no link.

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
    """Return a journal's bytes, bounded also while its process appends. Raises as `open_journal` does."""
    with open_journal(path, most_bytes) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(most_bytes)


def kind_of(mode: int) -> str:
    """Return what an entry of this mode is, in words; "" for a regular file."""
    return next((words for is_one, words in _KINDS if is_one(mode)), "")


def _kind_of(path: Path) -> str:
    try:
        return kind_of(path.lstat().st_mode)
    except OSError:
        return ""


def _scan_mount(mount: os.DirEntry[str], found: FoundJournals) -> None:
    process = mount.name
    allowed = BESIDE.get(process, ())
    entries = _entries(Path(mount.path))
    for entry in entries:
        if entry.name == f"{process}{SUFFIX}":
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
