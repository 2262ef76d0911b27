"""Ports for the labs of tests: two processes never get the same pair."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests import ports

ROOT = Path(__file__).resolve().parents[1]


def test_another_process_gets_another_pair(tmp_path: Path) -> None:
    mine = ports.reserved_pair(folder=tmp_path)
    chosen = f"ports.reserved_pair(folder=Path({str(tmp_path)!r}))"
    code = f"from pathlib import Path; from tests import ports; print({chosen})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert int(done.stdout) > mine + 1


def test_this_process_gets_another_pair_each_time(tmp_path: Path) -> None:
    assert ports.reserved_pair(folder=tmp_path) != ports.reserved_pair(folder=tmp_path)


def test_a_pair_whose_second_port_is_in_use_is_passed_over(tmp_path: Path) -> None:
    first = ports.reserved_pair(folder=tmp_path)
    with socket.create_server(("127.0.0.1", first + 3)):
        assert ports.reserved_pair(folder=tmp_path) > first + 3
