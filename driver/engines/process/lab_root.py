"""Root folder of a lab's processes: what programs need of this machine, read-only, and nothing else.

The supervisor makes it once for a lab; each process has its own journal and store in its copy of the mounts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from driver.engines.process import linux
from driver.engines.process.process_spec import BoundPath

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt")
"""Folders of programs and libraries; some are links to others."""
SETTINGS = ("ld.so.cache", "localtime", "ssl", "alternatives", "protocols", "services")
"""What programs read in /etc, beside the files that are written for the lab."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
WRITTEN = ("journal", "store", "tmp", "proc", "dev", "etc", "run")
PACKAGES = ("wire", "coordinator", "worker", "chaos")
"""The rooms of this project whose code the processes of a lab run."""
USER = "stormlab"


def python_folders(project: Path) -> list[str]:
    """Return the folders and files of this Python, its packages, and the code that a lab's processes run."""
    checkout = Path(project)
    found = [sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), *_executables(sys.executable)]
    found += [str(checkout / name) for name in PACKAGES]
    found += [one for one in sys.path if one and Path(one) != checkout and Path(one).exists()]
    return outermost(found)


def outermost(paths: Iterable[str]) -> list[str]:
    """Return existing paths, but those that are below another one or below a folder of SYSTEM."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(one) for one in paths}, key=len):
        above = any(path == one or path.startswith(f"{one}/") for one in (*SYSTEM, *kept))
        if not above and os.path.exists(path):
            kept.append(path)
    return kept


def make_lab_root(
    root: Path, folders: Sequence[str], files: Mapping[str, str], hosts: Mapping[str, str]
) -> None:
    """Make the root of a lab's processes at `root`. Raises OSError.

    `folders` are had at their own paths; `files` maps other targets to files of this machine; `hosts` maps
    names to addresses.
    """
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", str(root), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=1m")
    for name in WRITTEN:
        (root / name).mkdir()
    for path in SYSTEM:
        if os.path.islink(path):
            os.symlink(os.readlink(path), f"{root}{path}")
        elif os.path.isdir(path):
            _bind(root, path, path)
    for path in folders:
        _bind(root, path, path)
    for target, source in files.items():
        _bind(root, source, target)
    _write_settings(root / "etc", hosts)
    for name in SETTINGS:
        if os.path.exists(f"/etc/{name}"):
            _bind(root, os.path.realpath(f"/etc/{name}"), f"/etc/{name}")
    for name in DEVICES:
        # Some containers have no /dev/tty.
        with suppress(FileNotFoundError):
            _bind(root, f"/dev/{name}", f"/dev/{name}", writable=True)
    (root / "dev" / "shm").mkdir()
    os.symlink("/proc/self/fd", root / "dev" / "fd")


def furnish_root(root: str, mounts: Sequence[BoundPath]) -> None:
    """Enter the lab's root, with a /proc, /tmp and the mounts of this process alone. Raises OSError.

    The process has namespaces of its own for mounts and for processes.
    """
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    for one in mounts:
        _bind(Path(root), one.source, one.target, writable=True)
    safe = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("tmpfs", f"{root}/tmp", "tmpfs", safe, "mode=1777,size=64m")
    linux.mount("tmpfs", f"{root}/dev/shm", "tmpfs", safe, "mode=1777,size=64m")
    linux.mount("proc", f"{root}/proc", "proc", safe | linux.MS_NOEXEC)
    linux.enter_root(root)
    linux.make_read_only("/")


def furnish_machine(mounts: Sequence[BoundPath]) -> None:
    """Keep this machine's files, with a /proc and the mounts of this process alone. Raises OSError.

    The process has namespaces of its own for mounts and for processes. What it mounts on has to be there.
    """
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    for one in mounts:
        linux.bind(one.source, one.target, writable=True)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)


def _bind(root: Path, source: str, target: str, writable: bool = False) -> None:
    inside = f"{root}{target}"
    if os.path.isdir(source):
        os.makedirs(inside, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        with open(inside, "a"):
            pass
    linux.bind(source, inside, writable)


def _write_settings(folder: Path, hosts: Mapping[str, str]) -> None:
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    (folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (folder / "resolv.conf").write_text("")
    (folder / "passwd").write_text(
        f"root:x:0:0:root:/nonexistent:/bin/sh\n{USER}:x:10001:10001::/nonexistent:/bin/sh\n"
    )
    (folder / "group").write_text(f"root:x:0:\n{USER}:x:10001:\n")


def _executables(path: str) -> list[str]:
    """Return a program and the links on the way to it, as far as they are files."""
    found = [path]
    while os.path.islink(found[-1]) and len(found) < 10:
        found.append(os.path.join(os.path.dirname(found[-1]), os.readlink(found[-1])))
    return [os.path.dirname(os.path.dirname(found[-1])), *found]
