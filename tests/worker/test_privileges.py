"""The privileges that a worker drops at its start, and what processes of its user can read of it then."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker.process import hide_from_tasks, switch_user
from worker.supervisor import PR_SET_DUMPABLE, prctl

NOBODY = "65534:65534" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"


def in_a_process(does: Callable[[], object]) -> int:
    """Run it in a child; the exit code, 0 where nothing was raised."""
    pid = os.fork()
    if pid == 0:
        try:
            does()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def worker_at_rest(*, is_closed: bool = True) -> Iterator[int]:
    """A process that started as a worker does, and waits."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        switch_user(NOBODY)
        prctl(PR_SET_DUMPABLE, 1)  # As every program is that was started under this user.
        if is_closed:
            hide_from_tasks()
        os.write(tell, b"x")
        signal.pause()
    try:
        os.read(ready, 1)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)


def looks_into(pid: int) -> None:
    """As a task does, which has the worker's user. Raises where it could see anything."""
    switch_user(NOBODY)
    for name in ("environ", "mem", "maps", "auxv", "stack"):
        with pytest.raises(PermissionError):
            Path(f"/proc/{pid}/{name}").read_bytes()
    with pytest.raises(PermissionError):
        os.listdir(f"/proc/{pid}/fd")
    with pytest.raises(PermissionError):
        os.readlink(f"/proc/{pid}/cwd")


def test_no_task_can_look_into_its_worker() -> None:
    with worker_at_rest() as pid:
        assert in_a_process(lambda: looks_into(pid)) == 0


def test_into_a_process_that_is_not_closed_it_could() -> None:
    with worker_at_rest(is_closed=False) as pid:
        assert in_a_process(lambda: looks_into(pid)) == 1


def test_a_dropped_root_has_no_rights_for_good_and_cannot_read_the_first_process(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("secret")
    secret.chmod(0o400)
    starter = os.getpid()

    def gives_up() -> None:
        was_root = os.getuid() == 0
        switch_user(NOBODY)
        uid, gid = (int(word) for word in NOBODY.split(":"))
        assert os.getresuid() == (uid, uid, uid)
        assert os.getresgid() == (gid, gid, gid)
        if was_root:
            assert os.getgroups() == []
            for forbidden in (lambda: os.setuid(0), lambda: os.setgid(0), secret.read_text,
                              Path(f"/proc/{starter}/environ").read_bytes):  # fmt: skip
                with pytest.raises(PermissionError):
                    forbidden()

    assert in_a_process(gives_up) == 0


@pytest.mark.parametrize("user", ["0:0", "root", "1000", "1000:0", "0:1000", "-1:5", "1000:1000:1", " 1:1"])
def test_what_is_no_user_is_refused(user: str) -> None:
    with pytest.raises(ValueError, match="STORMLAB_RUN_AS must be uid:gid"):
        switch_user(user)
