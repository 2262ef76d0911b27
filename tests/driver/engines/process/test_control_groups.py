"""Control groups of processes, from both generations of the kernel's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driver.engines.process.control_groups import (
    GroupV1,
    GroupV2,
    LabGroups,
    find_parents,
    make_with_parent,
)

MIB = 1 << 20


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def v1(root: Path, *controllers: str) -> None:
    for name in controllers:
        write(root / name, cgroup__procs="")


def test_all_controllers_of_the_first_generation_are_found(tmp_path: Path) -> None:
    v1(tmp_path, "freezer", "cpu", "cpuacct", "memory")
    found = find_parents(tmp_path)
    assert (found.version, found.controllers) == (1, frozenset({"freezer", "cpu", "memory"}))


def test_without_the_freezer_the_first_generation_is_not_used(tmp_path: Path) -> None:
    v1(tmp_path, "cpu", "memory")
    found = find_parents(tmp_path)
    assert found.version == 0
    assert "run it as root" in found.why


def test_the_second_generation_offers_what_is_delegated(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    write(proc / "self", cgroup="0::/user/app/shell.scope\n")
    write(tmp_path, cgroup__controllers="cpu memory\n")
    write(tmp_path / "user" / "app", cgroup__procs="", cgroup__subtree_control="memory pids\n")
    found = find_parents(tmp_path, proc)
    assert (found.version, found.controllers) == (2, frozenset({"freezer", "memory"}))
    assert found.folders == {"": tmp_path / "user" / "app"}
    assert "systemd-run --user --scope -p Delegate=yes" in found.why


def test_the_second_generation_without_delegation_names_the_cure(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    write(proc / "self", cgroup="0::/user/app/shell.scope\n")
    write(tmp_path, cgroup__controllers="cpu memory\n")
    found = find_parents(tmp_path, proc)
    assert found.version == 0
    assert "systemd-run" in found.why


def test_a_lab_s_group_of_the_second_generation_gets_its_controllers(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    write(proc / "self", cgroup="0::/app/shell.scope\n")
    write(tmp_path, cgroup__controllers="cpu memory\n")
    write(tmp_path / "app", cgroup__procs="", cgroup__subtree_control="cpu memory\n")
    group = LabGroups(find_parents(tmp_path, proc), "lab").make("worker-1")
    assert (tmp_path / "app/stormlab/lab/cgroup.subtree_control").read_text() == "+cpu +memory"
    assert group.files() == [str(tmp_path / "app/stormlab/lab/worker-1/cgroup.procs")]


def test_limits_of_the_second_generation(tmp_path: Path) -> None:
    group = GroupV2(tmp_path)
    group.limit_cpus(0.25)
    group.limit_memory(100 * MIB)
    assert (tmp_path / "cpu.max").read_text() == "25000 100000"
    assert (tmp_path / "memory.max").read_text() == str(100 * MIB)
    group.limit_cpus(None)
    group.limit_memory(0)
    assert (tmp_path / "cpu.max").read_text() == "max 100000"
    assert (tmp_path / "memory.max").read_text() == "max"


def test_readings_of_the_second_generation(tmp_path: Path) -> None:
    write(
        tmp_path,
        memory__current=f"{30 * MIB}\n",
        memory__stat=f"anon 5\ninactive_file {10 * MIB}\n",
        cpu__stat="usage_usec 1500000\n",
        memory__events="oom 1\noom_kill 2\n",
        cgroup__freeze="1\n",
    )
    group = GroupV2(tmp_path)
    assert (group.memory_bytes(), group.cpu_s(), group.kills()) == (20 * MIB, 1.5, 2)
    assert group.is_frozen()


def test_the_first_generation_sets_memory_before_memory_with_swap_when_it_shrinks(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    write(memory, memory__limit_in_bytes=str(200 * MIB), memory__memsw__limit_in_bytes=str(200 * MIB))
    GroupV1({"memory": memory}).limit_memory(100 * MIB)
    assert (memory / "memory.limit_in_bytes").read_text() == str(100 * MIB)
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == str(100 * MIB)
    changed = [
        (memory / f"memory.{one}").stat().st_mtime_ns for one in ("limit_in_bytes", "memsw.limit_in_bytes")
    ]
    assert changed == sorted(changed)


def test_readings_of_the_first_generation(tmp_path: Path) -> None:
    write(
        tmp_path / "memory",
        memory__usage_in_bytes=f"{30 * MIB}\n",
        memory__stat=f"total_inactive_file {10 * MIB}\n",
        memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    )
    write(tmp_path / "cpuacct", cpuacct__usage="1500000000\n")
    write(tmp_path / "freezer", freezer__state="FREEZING\n")
    group = GroupV1({one: tmp_path / one for one in ("memory", "cpuacct", "freezer")})
    assert (group.memory_bytes(), group.cpu_s(), group.kills()) == (20 * MIB, 1.5, 3)
    assert group.is_frozen()


def test_a_lab_s_folder_is_made_also_where_another_lab_s_end_removes_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, ends = Path.mkdir, iter((True, False))

    def mkdir_beside_an_end(path: Path, *words: Any, **named: Any) -> None:
        if path.name == "lab" and next(ends):
            path.parent.rmdir()
        mkdir(path, *words, **named)

    monkeypatch.setattr(Path, "mkdir", mkdir_beside_an_end)
    make_with_parent(tmp_path / "stormlab" / "lab")
    assert (tmp_path / "stormlab" / "lab").is_dir()
