"""What a container uses, from both generations of the kernel's files."""

from __future__ import annotations

from pathlib import Path

from driver.engines.cgroups import usage
from driver.engines.engine import Usage

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
    assert usage("worker-1", "abc", tmp_path) == Usage("worker-1", 20 * MIB, 1.5)


def test_the_first_generation_is_read(tmp_path: Path) -> None:
    write(
        tmp_path / "memory" / "docker" / "abc",
        memory__usage_in_bytes=f"{30 * MIB}\n",
        memory__stat=f"total_inactive_file {10 * MIB}\n",
    )
    write(tmp_path / "cpuacct" / "docker" / "abc", cpuacct__usage="1500000000\n")
    assert usage("worker-1", "abc", tmp_path) == Usage("worker-1", 20 * MIB, 1.5)


def test_a_machine_that_does_not_tell_gives_nothing(tmp_path: Path) -> None:
    assert usage("worker-1", "abc", tmp_path) is None
    write(tmp_path / "memory" / "docker" / "abc", memory__stat="nonsense")
    assert usage("worker-1", "abc", tmp_path) is None
