"""Control groups of a lab's processes: the freezer, and limits of processor time and memory (v1 and v2)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")
FOLDER = "stormlab"
CPU_PERIOD_US = 100_000
UNLIMITED_BYTES = (1 << 63) - 4096
FREEZE_WITHIN_S = 5.0
POLL_S = 0.002
MAKE_TRIES = 20
V1_CONTROLLERS = ("freezer", "cpu", "cpuacct", "memory")
V2_CONTROLLERS = ("cpu", "memory")
_CURE = "start the command with: systemd-run --user --scope -p Delegate=yes"


@dataclass(frozen=True)
class GroupParents:
    """Folders in which the groups of labs can be made, and what they can do.

    `folders` maps a controller of v1 to its folder, or "" to the one of v2. `why` is the reason where a
    controller is missing, and what to do.
    """

    version: int
    folders: Mapping[str, Path]
    controllers: frozenset[str]
    why: str = ""


NONE = GroupParents(0, {}, frozenset(), "")


class ControlGroup(Protocol):
    """The control group of one process of a lab. Every call raises OSError."""

    def files(self) -> list[str]:
        """Return the files into which a process writes itself to be a member."""

    def freeze(self) -> None:
        """Freeze all members, and wait until none executes code."""

    def thaw(self) -> None:
        """Let all members continue."""

    def is_frozen(self) -> bool:
        """Return whether the members are frozen."""

    def limit_cpus(self, cpus: float | None) -> None:
        """Limit processor time, in cores (None: unlimited)."""

    def limit_memory(self, size_bytes: int) -> None:
        """Limit memory (0: unlimited)."""

    def memory_bytes(self) -> int:
        """Return the memory in use, without the page cache that the kernel reclaims at any time."""

    def cpu_s(self) -> float:
        """Return the processor time since the group was made."""

    def kills(self) -> int:
        """Return how many members the kernel has killed for want of memory."""

    def remove(self) -> None:
        """Remove the group, which has no members."""


def find_parents(root: Path = ROOT, proc: Path = PROC) -> GroupParents:
    """Return where this user can make control groups on this machine; NONE with a reason where nowhere."""
    if (root / "cgroup.controllers").is_file():
        return _find_v2(root, proc)
    folders = {name: root / name for name in V1_CONTROLLERS if _is_writable(root / name)}
    if "freezer" in folders:
        found = frozenset({*folders} - {"cpuacct"} if "cpuacct" in folders else {*folders} - {"cpu"})
        return GroupParents(1, folders, found, "this machine's control groups (v1) lack it")
    why = f"this user may not write to control groups: {root}/freezer; run it as root"
    return GroupParents(0, {}, frozenset(), why)


def _find_v2(root: Path, proc: Path) -> GroupParents:
    lines = (proc / "self" / "cgroup").read_text().splitlines()
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    current = root / own.lstrip("/")
    for folder in (current.parent if current != root else root, current):
        if _is_writable(folder):
            available = set((folder / "cgroup.subtree_control").read_text().split())
            have = {"freezer", *(available & set(V2_CONTROLLERS))}
            why = f"{folder} does not delegate it; {_CURE}"
            return GroupParents(2, {"": folder}, frozenset(have), why)
    why = f"{current.parent} is not delegated to this user; {_CURE}"
    return GroupParents(0, {}, frozenset(), why)


def _is_writable(folder: Path) -> bool:
    return (folder / "cgroup.procs").is_file() and os.access(folder, os.W_OK)


class LabGroups:
    """The groups of one lab's processes, by name. Raises OSError."""

    def __init__(self, parents: GroupParents, project: str) -> None:
        self._parents = parents
        self.controllers = parents.controllers
        self.folders = lab_folders(parents, project)
        for folder in self.folders.values():
            make_with_parent(folder)
        if parents.version == 2:
            wanted = " ".join(f"+{one}" for one in V2_CONTROLLERS if one in parents.controllers)
            for folder in (self.folders[""].parent, self.folders[""]) if wanted else ():
                (folder / "cgroup.subtree_control").write_text(wanted)

    def make(self, name: str) -> ControlGroup:
        """Return the group of a process, which is made where it is missing."""
        inside = {controller: folder / name for controller, folder in self.folders.items()}
        for folder in inside.values():
            folder.mkdir(exist_ok=True)
        return GroupV2(inside[""]) if self._parents.version == 2 else GroupV1(inside)


def lab_folders(parents: GroupParents, project: str) -> dict[str, Path]:
    """Return the folders of one lab's groups, by controller."""
    return {name: folder / FOLDER / project for name, folder in parents.folders.items()}


class GroupV1:
    """A group of v1: a folder for each controller."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def files(self) -> list[str]:
        return [str(folder / "cgroup.procs") for folder in self._folders.values()]

    def freeze(self) -> None:
        state = self._folders["freezer"] / "freezer.state"
        deadline_s = time.monotonic() + FREEZE_WITHIN_S
        state.write_text("FROZEN")
        while state.read_text().strip() != "FROZEN":
            if time.monotonic() > deadline_s:
                state.write_text("THAWED")
                raise OSError(0, f"the freezer did not freeze within {FREEZE_WITHIN_S:g} s")
            time.sleep(POLL_S)
            state.write_text("FROZEN")

    def thaw(self) -> None:
        (self._folders["freezer"] / "freezer.state").write_text("THAWED")

    def is_frozen(self) -> bool:
        return (self._folders["freezer"] / "freezer.state").read_text().strip() != "THAWED"

    def limit_cpus(self, cpus: float | None) -> None:
        folder = self._folders["cpu"]
        (folder / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_US))
        (folder / "cpu.cfs_quota_us").write_text(str(-1 if cpus is None else round(cpus * CPU_PERIOD_US)))

    def limit_memory(self, size_bytes: int) -> None:
        folder = self._folders["memory"]
        wanted = str(size_bytes or -1)
        files = [folder / "memory.limit_in_bytes", folder / "memory.memsw.limit_in_bytes"]
        files = [one for one in files if one.exists()]
        # Memory with swap is never less than memory: the order of both depends on the direction.
        if (size_bytes or UNLIMITED_BYTES) > int(files[0].read_text()):
            files.reverse()
        for file in files:
            file.write_text(wanted)

    def memory_bytes(self) -> int:
        folder = self._folders["memory"]
        cache = numbers(folder / "memory.stat")["total_inactive_file"]
        return max(0, int((folder / "memory.usage_in_bytes").read_text()) - cache)

    def cpu_s(self) -> float:
        return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def kills(self) -> int:
        return numbers(self._folders["memory"] / "memory.oom_control").get("oom_kill", 0)

    def remove(self) -> None:
        _remove(self._folders.values())


class GroupV2:
    """A group of v2: one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> list[str]:
        return [str(self._folder / "cgroup.procs")]

    def freeze(self) -> None:
        (self._folder / "cgroup.freeze").write_text("1")
        deadline_s = time.monotonic() + FREEZE_WITHIN_S
        while not numbers(self._folder / "cgroup.events").get("frozen"):
            if time.monotonic() > deadline_s:
                self.thaw()
                raise OSError(0, f"the freezer did not freeze within {FREEZE_WITHIN_S:g} s")
            time.sleep(POLL_S)

    def thaw(self) -> None:
        (self._folder / "cgroup.freeze").write_text("0")

    def is_frozen(self) -> bool:
        return (self._folder / "cgroup.freeze").read_text().strip() == "1"

    def limit_cpus(self, cpus: float | None) -> None:
        quota = "max" if cpus is None else str(round(cpus * CPU_PERIOD_US))
        (self._folder / "cpu.max").write_text(f"{quota} {CPU_PERIOD_US}")

    def limit_memory(self, size_bytes: int) -> None:
        (self._folder / "memory.max").write_text(str(size_bytes or "max"))
        # Without swap accounting there is no such file.
        with suppress(FileNotFoundError, PermissionError):
            (self._folder / "memory.swap.max").write_text("0" if size_bytes else "max")

    def memory_bytes(self) -> int:
        used = int((self._folder / "memory.current").read_text())
        return max(0, used - numbers(self._folder / "memory.stat")["inactive_file"])

    def cpu_s(self) -> float:
        return numbers(self._folder / "cpu.stat")["usage_usec"] / 1e6

    def kills(self) -> int:
        return numbers(self._folder / "memory.events").get("oom_kill", 0)

    def remove(self) -> None:
        _remove([self._folder])


def make_with_parent(folder: Path) -> None:
    """Make a folder of a lab in one that all labs share, and that the end of the last of them removes at any
    instant. Raises OSError.
    """
    for _ in range(MAKE_TRIES):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            folder.mkdir(exist_ok=True)
            return
    raise FileNotFoundError(0, f"{folder.parent} is removed again and again")


def numbers(file: Path) -> dict[str, int]:
    """Return the lines `name number` of a file."""
    pairs = (line.split() for line in file.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def _remove(folders: Iterable[Path]) -> None:
    deadline_s = time.monotonic() + FREEZE_WITHIN_S
    for folder in folders:
        while True:
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                pass
            except OSError:
                # Members that were killed are still there for some milliseconds.
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(POLL_S)
                continue
            break
