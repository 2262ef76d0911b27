"""A run on three Docker hosts whose clocks are hours apart: a verdict, receipts, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver.cli.main import run
from driver.engines.kinds.hosts import HOSTS
from driver.exit_codes import ExitCode
from driver.histories.events import ClockRead, FaultBegun, ProcessesPlaced
from driver.judging.clock_bounds import CLOCKS_KNOWN
from driver.results.judged_run import judge_run, stored_history
from driver.results.run_folder import read_record, read_verdict
from tests.hosts.docker_hosts import DockerHost, docker_hosts

AHEAD_S = (600, 0, 7_200)
WORKERS = 6


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[DockerHost]]:
    with docker_hosts(AHEAD_S) as made:
        os.environ[HOSTS] = ",".join(host.api for host in made)
        yield made
        del os.environ[HOSTS]


@pytest.fixture(scope="module")
def folder(hosts: list[DockerHost], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of thundering_herd."""
    results = tmp_path_factory.mktemp("results")
    words = ["scenario", "thundering_herd", "--quick", "--workers", str(WORKERS), "--results", str(results)]
    code = run([*words, "--project", f"hosts-{os.getpid()}"])
    (made,) = [path for path in results.iterdir() if not path.is_symlink()]
    assert code == ExitCode.PASSED, read_verdict(made)
    return made


@pytest.mark.timeout(600)
def test_a_run_passes_with_every_fault_proved_and_clocks_known_within_milliseconds(folder: Path) -> None:
    verdict = read_verdict(folder)
    assert verdict is not None
    by_check = {found.check: found for found in verdict.findings}
    assert by_check["faults_were_proved"].status == "passed"
    assert by_check[CLOCKS_KNOWN].status == "passed"


@pytest.mark.timeout(600)
def test_its_workers_were_spread_over_all_hosts_and_their_clocks_read_all_through(folder: Path) -> None:
    record, _ = read_record(folder)
    history, _, errors = stored_history(folder, record)
    assert errors == []
    placed = {one: event.host for event in history.of(ProcessesPlaced) for one in event.processes}
    workers = [placed[f"worker-{number}"] for number in range(1, WORKERS + 1)]
    assert sorted(workers) == ["host1", "host1", "host2", "host2", "host3", "host3"]
    assert placed["coordinator"] == placed["toxiproxy"] == placed["prober"] == "host1"
    for number, ahead_s in enumerate(AHEAD_S, 1):
        reads = [read for read in history.of(ClockRead) if read.host == f"host{number}"]
        assert len(reads) > 30
        assert all(abs((read.host_ns - read.at_ns) / 1e9 - ahead_s) < 1 for read in reads)


@pytest.mark.timeout(600)
def test_a_fault_on_links_is_at_the_drivers_instant_although_toxiproxys_clock_is_minutes_ahead(
    folder: Path,
) -> None:
    record, _ = read_record(folder)
    history, _, _ = stored_history(folder, record)
    for begun in history.of(FaultBegun):
        assert begun.toxiproxy_offset_ns / 1e9 == pytest.approx(-AHEAD_S[0], abs=1)
        assert all(abs(at_ns - begun.planned_ns) < 1e9 for at_ns in begun.began_ns.values())


@pytest.mark.timeout(600)
def test_it_is_judged_again_without_any_host_to_the_same_verdict(folder: Path) -> None:
    first = read_verdict(folder)
    assert judge_run(folder).verdict.verdict == (first and first.verdict)


@pytest.mark.timeout(600)
def test_nothing_is_left_on_any_host(folder: Path, hosts: list[DockerHost]) -> None:
    for host in hosts:
        assert host.docker("ps", "-aq") == ""
        assert host.docker("network", "ls", "-q", "--filter", "label=com.docker.compose.project") == ""
        assert host.docker("volume", "ls", "-q") == ""
