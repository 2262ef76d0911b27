"""What a container uses, from both generations of the kernel's files."""

from __future__ import annotations

from pathlib import Path

from driver.engines.cgroups import CgroupState, read_state, read_usage
from driver.engines.compose_states import with_cgroup
from driver.engines.engine import ContainerState, ResourceReading

MIB = 1 << 20


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_second_generation_is_read(tmp_path: Path) -> None:
    write(
        tmp_path / "system.slice" / "docker-abc.scope",
        memory__current=f"{30 * MIB}\n",
        memory__stat=f"anon 5\ninactive_file {10 * MIB}\n",
        cpu__stat="usage_usec 1500000\nuser_usec 1\n",
    )
    assert read_usage("worker-1", "abc", tmp_path) == ResourceReading("worker-1", 20 * MIB, 1.5)


def test_the_first_generation_is_read(tmp_path: Path) -> None:
    write(
        tmp_path / "memory" / "docker" / "abc",
        memory__usage_in_bytes=f"{30 * MIB}\n",
        memory__stat=f"total_inactive_file {10 * MIB}\n",
    )
    write(tmp_path / "cpuacct" / "docker" / "abc", cpuacct__usage="1500000000\n")
    assert read_usage("worker-1", "abc", tmp_path) == ResourceReading("worker-1", 20 * MIB, 1.5)


def test_a_machine_without_these_files_gives_nothing(tmp_path: Path) -> None:
    assert read_usage("worker-1", "abc", tmp_path) is None
    write(tmp_path / "memory" / "docker" / "abc", memory__stat="nonsense")
    assert read_usage("worker-1", "abc", tmp_path) is None


def test_a_frozen_or_limited_container_is_recognised_in_both_generations(tmp_path: Path) -> None:
    second = tmp_path / "system.slice" / "docker-abc.scope"
    first = tmp_path / "1"
    for freeze, state, quota, found in (
        ("0", "THAWED", "-1", CgroupState(False, None)),
        ("1", "FROZEN", "-1", CgroupState(True, None)),
        ("0", "THAWED", "5000", CgroupState(False, 0.05)),
    ):
        maximum = f"{'max' if quota == '-1' else quota} 100000\n"
        write(second, cgroup__freeze=f"{freeze}\n", cpu__max=maximum)
        write(first / "freezer" / "docker" / "abc", freezer__state=f"{state}\n")
        write(first / "cpu" / "docker" / "abc", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
        assert read_state("abc", tmp_path) == read_state("abc", first) == found
    assert read_state("another", tmp_path) is None


def test_a_container_whose_main_process_is_stopped_by_a_signal_counts_as_frozen(tmp_path: Path) -> None:
    group, proc = tmp_path / "system.slice" / "docker-abc.scope", tmp_path / "proc"
    first = tmp_path / "1"
    write(first / "cpu" / "docker" / "abc", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    for init, main, task, frozen in (
        ("S", "S", "S", False),
        ("S", "T", "S", True),
        ("S", "t", "S", True),
        ("S", "S", "T", False),
        ("T", "R", "S", False),
    ):
        for pid, name, state, parent in (
            (90, "docker-init", init, 1),
            (101, "python (x) T 1", main, 90),
            (1_000, "sleep", task, 101),
        ):
            write(proc / str(pid), stat=f"{pid} ({name}) {state} {parent} 90 90 0\n")
        write(group, cgroup__freeze="0\n", cpu__max="max 100000\n", cgroup__procs="101\n1000\n90\n")
        write(
            first / "freezer" / "docker" / "abc", freezer__state="THAWED\n", cgroup__procs="90\n101\n1000\n"
        )
        assert (
            read_state("abc", tmp_path, proc) == read_state("abc", first, proc) == CgroupState(frozen, None)
        )


def test_a_process_that_has_just_ended_is_not_called_stopped(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "docker-abc.scope"
    write(group, cgroup__freeze="0\n", cpu__max="max 100000\n", cgroup__procs="90\n101\n")
    assert read_state("abc", tmp_path, tmp_path / "proc") == CgroupState(False, None)


def test_what_the_kernel_says_of_a_container_that_runs_counts_before_the_engine() -> None:
    running = ContainerState("running", -1, False, True, None, 1 << 27)
    assert with_cgroup(running, CgroupState(True, 0.05)) == ContainerState(
        "paused", -1, False, True, 0.05, 1 << 27
    )
    assert with_cgroup(running, None) == running
    exited = ContainerState("exited", 1, False, True, 0.1, 1 << 27)
    assert with_cgroup(exited, CgroupState(False, None)) == exited
