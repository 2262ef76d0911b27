"""System calls of Linux that Python 3.11 lacks: namespaces, mounts, capabilities, prctl. Imports the standard
library alone.

Every call raises OSError, which names the call.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
MS_NOATIME, MS_NODIRATIME, MS_RELATIME = 1024, 2048, 1 << 21
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 6, 7, 21
LAST_CAPABILITY = 63
"""Numbers that the kernel does not know are refused, and skipped."""
_CAPABILITY_VERSION_3 = 0x20080522
MACHINES = ("x86_64", "aarch64")
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LOCKED = ((2, MS_NOSUID), (4, MS_NODEV), (8, MS_NOEXEC), (1024, MS_NOATIME), (2048, MS_NODIRATIME))
"""Flags of statvfs, and those of mount(2): a remount in a user namespace must repeat them."""

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Enter new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace of a descriptor."""
    _check(_libc.setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system, or bind or change a mount."""
    words = (source.encode(), target.encode(), kind.encode(), flags, data.encode())
    _check(_libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[4]), f"mount {target}")


def bind(source: str, target: str, writable: bool = False) -> None:
    """Bind a file or folder, with the mounts below it; read-only unless `writable`."""
    mount(source, target, "", MS_BIND | MS_REC)
    if not writable:
        make_read_only(target)


def make_read_only(target: str) -> None:
    """Make a mount read-only, and keep its other flags."""
    have = os.statvfs(target).f_flag
    kept = sum(flag for bit, flag in _LOCKED if have & bit)
    mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def umount(target: str) -> None:
    """Detach a mount."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def enter_root(folder: str) -> None:
    """Make a mount this process's root folder, and detach the old one (pivot_root(2), its last example)."""
    os.chdir(folder)
    _check(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    umount(".")
    os.chdir("/")


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl({option}, {value})")


def drop_capabilities(kept: tuple[int, ...] = ()) -> None:
    """Give up all capabilities but `kept`, for this process and for what it executes, for good."""
    for number in range(LAST_CAPABILITY + 1):
        if number not in kept:
            _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0)
    mask = sum(1 << number for number in kept)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, 0, mask >> 32, mask >> 32, 0)
    _check(_libc.syscall(_CAPSET[os.uname().machine], header, data), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def _check(answer: int, call: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
