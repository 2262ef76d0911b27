"""A host that dies in a run: an inconclusive verdict that names it, and a lab that is down on all others."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from driver.cli.main import run
from driver.engines.kinds.hosts import HOSTS
from driver.exit_codes import ExitCode
from driver.histories.events import HostLost, PhaseBegun
from driver.histories.journals import read_history
from driver.results.run_folder import read_verdict
from tests.hosts.docker_hosts import DockerHost, docker_hosts
from tests.waiting import eventually_in_thread


def in_timeline(results: Path) -> bool:
    """Whether the run in this folder injects faults by now."""
    for folder in results.iterdir():
        if any(phase.phase == "timeline" for phase in read_history(folder).of(PhaseBegun)):
            return True
    return False


@pytest.mark.timeout(600)
def test_a_host_that_dies_makes_the_run_inconclusive_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results, project = tmp_path / "results", f"dying-{os.getpid()}"
    results.mkdir()
    with docker_hosts((0, 3_600)) as hosts:
        monkeypatch.setenv(HOSTS, ",".join(host.api for host in hosts))

        def kill(dying: DockerHost) -> None:
            eventually_in_thread(lambda: in_timeline(results), "the timeline begins", 240.0, 0.5)
            dying.die()

        killer = threading.Thread(target=kill, args=(hosts[1],))
        killer.start()
        words = ["scenario", "thundering_herd", "--quick", "--workers", "4", "--results", str(results)]
        code = run([*words, "--project", project])
        killer.join()
        (folder,) = [path for path in results.iterdir() if not path.is_symlink()]
        verdict = read_verdict(folder)
        assert verdict is not None
        assert code == ExitCode.INCONCLUSIVE, verdict
        assert "the host host2 stopped answering in the run" in verdict.because
        assert [lost.host for lost in read_history(folder).of(HostLost)] == ["host2"]
        printed = capsys.readouterr()
        assert f"{hosts[1].api} does not answer; what may still run there: worker-1, worker-3" in (
            printed.out + printed.err
        )
        assert hosts[0].docker("ps", "-aq") == ""
