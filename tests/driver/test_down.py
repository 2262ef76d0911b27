"""`down` says that nothing is left only where every host of the lab answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from driver.cli import options
from driver.cli.main import run
from driver.exit_codes import ExitCode
from driver.histories.host_clock import ClockReading
from driver.labs import lab_lock
from tests.driver.fakes import FakeEngine


@dataclass
class EngineOfHosts(FakeEngine):
    """An engine of several hosts, of which some do not answer."""

    silent: list[str] = field(default_factory=list)

    def placed(self) -> Mapping[str, Sequence[str]]:
        return {}

    def read_clock(self, host: str) -> ClockReading:
        raise AssertionError("down reads no clock")

    def offset_ns(self, process: str) -> int:
        return 0

    def unreachable(self) -> list[str]:
        return [f"{host} does not answer; what may still run there: worker-2." for host in self.silent]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_host_that_does_not_answer_may_have_something_left(
    more: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path)
    engine = EngineOfHosts({"worker-1": "running"}, silent=["ssh://other"])
    monkeypatch.setattr(options, "engine_of", lambda project: engine)
    assert run(["down", "--project", "spread", *more]) == ExitCode.LAB_BROKE
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert "ssh://other does not answer; what may still run there: worker-2" in said
    assert "down where its hosts answer; 1 of them did not" in said
    assert "nothing is left" not in said


def test_a_lab_whose_hosts_all_answer_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab_lock, "LOCKS", tmp_path)
    monkeypatch.setattr(options, "engine_of", lambda project: EngineOfHosts({"worker-1": "running"}))
    assert run(["down", "--project", "spread"]) == ExitCode.PASSED
    assert "1 containers removed, nothing is left" in capsys.readouterr().out
