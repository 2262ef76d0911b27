"""Claims about the Redis server that Celery's benchmark needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver.machine.redis_server import ensure_redis, find_redis
from driver.machine.shell import MachineError


def test_a_server_on_the_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "redis-server"
    server.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert ensure_redis(said.append) == str(server)
    assert not said


def test_without_one_and_without_apt_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (find_redis, lambda: ensure_redis(print)):
        with pytest.raises(MachineError, match="apt-get install redis-server"):
            ask()
