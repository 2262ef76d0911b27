"""Namespaces of a lab's own: enters them, and tries whether this machine gives them to this user.

`python -m driver.engines.process.namespaces` tries, and prints the step that failed. Imports the standard
library alone beside `linux`.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from driver.engines.process import linux

TRY_WITHIN_S = 10.0
SYSCTL = Path("/proc/sys")
SWITCHES = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("user/max_user_namespaces", "0", "10000"),
)
"""Settings of a kernel, the value that forbids user namespaces, and one that does not. The first is
Ubuntu's.
"""
MODULE = "driver.engines.process.namespaces"


def enter_namespaces() -> None:
    """Enter namespaces for mounts and the network: as root, else in a user namespace with this user as its
    root.

    This process has one thread. Raises OSError.
    """
    rest = linux.CLONE_NEWNET | linux.CLONE_NEWNS
    try:
        linux.unshare(rest)
    except PermissionError:
        uid, gid = os.geteuid(), os.getegid()
        linux.unshare(linux.CLONE_NEWUSER | rest)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def is_privileged() -> bool:
    """Return whether this user makes namespaces without a user namespace, so that it can change to other
    users.
    """
    return os.geteuid() == 0 and _try_privileged()


def machine_refusal() -> str:
    """Return why no lab of processes runs on this machine; "" where one does. Raises nothing."""
    if sys.platform != "linux" or platform.machine() not in linux.MACHINES:
        found = f"{sys.platform} on {platform.machine()}"
        return f"It needs Linux on {' or '.join(linux.MACHINES)}; this is {found}."
    return ""


@functools.cache
def refusal() -> str:
    """Return why this machine gives this user no namespaces, and what to do; "" where it does. Raises
    nothing.
    """
    if unfit := machine_refusal():
        return unfit
    if shutil.which("ip") is None:
        return "The program `ip` is not there. Install it: apt-get install iproute2"
    try:
        done = subprocess.run(
            [sys.executable, "-S", "-m", MODULE], cwd=Path(__file__).parents[3],
            capture_output=True, text=True, timeout=TRY_WITHIN_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Namespaces could not be tried: {error}."
    return "" if done.returncode == 0 else f"The kernel refuses namespaces ({done.stdout.strip()}). {cure()}"


def cure(sysctl: Path = SYSCTL) -> str:
    """Return what to do where namespaces are refused: the setting to change, where one of SWITCHES forbids
    them.
    """
    for name, forbids, allows in SWITCHES:
        try:
            found = (sysctl / name).read_text().strip()
        except OSError:
            continue
        if found == forbids:
            return f"Allow them: sudo sysctl -w {name.replace('/', '.')}={allows} (it is {forbids} now)."
    return "In a container, run it with the capability SYS_ADMIN and no seccomp profile; else run it as root."


@functools.cache
def _try_privileged() -> bool:
    text = Path("/proc/self/status").read_text()
    effective = next((line.split()[1] for line in text.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> linux.CAP_SYS_ADMIN & 1)


def _try() -> str:
    """Do all that a lab does to namespaces; return the error, "" where there is none."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            enter_namespaces()
            linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
            linux.mount("tmpfs", folder, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m")
            linux.unshare(linux.CLONE_NEWPID)
            if (pid := os.fork()) == 0:
                _try_inside(folder)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            linux.umount(folder)
    except OSError as error:
        return error.strerror or str(error)
    return os.strerror(code) + " in a process namespace" if code else ""


def _try_inside(folder: str) -> None:
    code = 1
    try:
        linux.mount("proc", folder, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        done = subprocess.run(["ip", "link", "add", "try", "type", "veth"], capture_output=True)
        code = done.returncode
        linux.umount(folder)
    except OSError as error:
        code = error.errno or 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    print(problem := _try())
    sys.exit(1 if problem else 0)
