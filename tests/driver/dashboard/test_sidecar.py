"""A dashboard beside another command: its address is printed, and it ends with the command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from driver.dashboard import sidecar as module
from driver.dashboard.sidecar import dashboard_sidecar

SERVES = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[-1], "ended").touch(), sys.exit(0)))
print("http://127.0.0.1:1/?token=x", sys.argv[1:], flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "lab_command", lambda: [sys.executable, "-c", SERVES])


def test_it_is_reported_and_ends_with_the_command(tmp_path: Path) -> None:
    said: list[str] = []
    with dashboard_sidecar(True, "mine", tmp_path, said.append):
        (found,) = said
        assert "http://127.0.0.1:1/?token=x" in found
        assert f"['dashboard', '--project', 'mine', '--port', '0', '--results', '{tmp_path}']" in found
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").exists()


def test_it_ends_with_a_command_that_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), dashboard_sidecar(True, "mine", tmp_path, lambda _: None):
        raise RuntimeError
    assert (tmp_path / "ended").exists()


def test_nothing_is_served_unasked(tmp_path: Path) -> None:
    said: list[str] = []
    with dashboard_sidecar(False, "mine", tmp_path, said.append):
        pass
    assert (said, list(tmp_path.iterdir())) == ([], [])
