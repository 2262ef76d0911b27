"""A door's journal and the workers' own agree: on the reference system both sources exist."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines.compose_engine import ComposeEngine
from driver.forensics.gaps import gaps_by_client, pooled
from driver.forensics.policy_identification import identify_policy
from driver.histories.connection_history import Outage, connection_histories
from driver.histories.history import History
from driver.histories.journal_kinds import reader_of
from driver.histories.link_history import link_history
from driver.paths import project_root
from driver.systems.door_api import DoorApi
from driver.systems.doors import Peer
from driver.systems.system_images import door_image
from tests.integration.processes import CoordinatorProcess, free_port
from tests.waiting import eventually
from tests.worker.process import WorkerProcess

WORKERS = 8
FAULTS_S = 110.0
CUT_S = 1.5
BACK_S = 0.8
"""In which a worker is back after a heal."""
STABLE_S = 4.2
"""After it a worker counts its attempts from 1 again."""
MIN_OUTAGES = 100
POLICY = "full_jitter"
LOOPBACK = "127.0.0.1"
DOOR = "toxiproxy"


@dataclass
class Door:
    """Toxiproxy in a container of this host's network, with a pair for each worker, and its journal."""

    api: DoorApi
    ports: Sequence[int]
    journal: Path

    async def cut(self, worker: WorkerProcess, number: int) -> None:
        """Refuse one worker's connections for a while."""
        name = f"{worker.name}-{number}"
        fault = {"id": name, "links": [_peer(worker.name).link], "action": "refuse", "lease_ms": 30_000}
        await asyncio.to_thread(self.api.begin_fault, fault)
        await asyncio.sleep(CUT_S)
        await asyncio.to_thread(self.api.end_fault, name)


def _peer(worker: str) -> Peer:
    return Peer(worker, LOOPBACK)


def docker(argv: Sequence[str]) -> str:
    """The output of a docker command that must succeed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.asynccontextmanager
async def a_door(upstream: int, folder: Path) -> AsyncIterator[Door]:
    """A door in front of a coordinator on this host."""
    engine = ComposeEngine("doors-agree", project_root(), build_environment)
    await asyncio.to_thread(engine.ensure_images, ["toxiproxy"], print)
    ports, api_port = [free_port() for _ in range(WORKERS)], free_port()
    pairs = [
        {"name": f"worker-{index}", "listen": f"{LOOPBACK}:{port}", "upstream": f"{LOOPBACK}:{upstream}"}
        for index, port in enumerate(ports, 1)
    ]
    (folder / "pairs.json").write_text(json.dumps(pairs))
    run = ["docker", "run", "-d", "--rm", "--network", "host", "--user", f"{os.getuid()}:{os.getgid()}"]
    files = ["-pairs", "/f/pairs.json", "-journal", f"/f/{DOOR}.jsonl"]
    flags = ["-host", LOOPBACK, "-port", str(api_port), *files]
    argv = [*run, "-v", f"{folder}:/f", door_image(), *flags]
    container = await asyncio.to_thread(docker, argv)
    try:
        api = DoorApi(LOOPBACK, api_port)
        await eventually(api.is_up, "the door's API")
        api.ensure({pair["name"]: _peer(pair["name"]) for pair in pairs})
        yield Door(api, ports, folder / f"{DOOR}.jsonl")
    finally:
        await asyncio.to_thread(docker, ["docker", "stop", "-t", "10", container])


def read(journals: Sequence[Path], workers: Sequence[str] = ()) -> History:
    found = {path.stem: reader_of(path.stem).read(path.stem, path.read_bytes()) for path in journals}
    assert all(not journal.damage for journal in found.values()), [one.damage for one in found.values()]
    return History(found, clients=list(workers))


@dataclass
class Both:
    """The history of some minutes of outages by the journals of workers and coordinator, and by the door's.

    `waited_ms` is how long each worker's process waited for a processor around each of its outages.
    """

    own: History
    seen: History
    waited_ms: dict[str, list[float]]

    def pairs(self) -> list[tuple[Outage, Outage]]:
        """Each outage that ended, as the worker recorded it, and as the door did, by worker."""
        own, seen = (one.view(connection_histories) for one in (self.own, self.seen))
        assert set(own) == set(seen)
        found = [zip(own[name].reconnections, seen[name].reconnections, strict=True) for name in own]
        return [pair for pairs in found for pair in pairs]


def waited_ms(worker: WorkerProcess) -> float:
    """How long a worker's process has been ready to run and waited for a processor (proc(5), schedstat)."""
    assert worker.process is not None
    return int(Path(f"/proc/{worker.process.pid}/schedstat").read_text().split()[1]) / 1e6


def has_connected(worker: WorkerProcess, times: int) -> bool:
    """Whether a worker was connected so often."""
    return len(worker.journal("connected")) >= times


async def outages(door: Door, worker: WorkerProcess, first_s: float) -> list[float]:
    """Cut one worker off again and again, each time when it has been connected for a while.

    The workers begin at different times, so that they do not wait for the processor together. Returns for
    each outage how long the process waited.
    """
    end, waited = time.monotonic() + FAULTS_S, []
    await asyncio.sleep(first_s)
    for number in itertools.count(1):
        await asyncio.sleep(STABLE_S)
        await eventually(functools.partial(has_connected, worker, number), f"{worker.name} is connected")
        if time.monotonic() > end:
            break
        before_ms = waited_ms(worker)
        await door.cut(worker, number)
        await asyncio.sleep(BACK_S)
        waited.append(waited_ms(worker) - before_ms)
    return waited


async def both_histories(folder: Path) -> Both:
    async with CoordinatorProcess() as coordinator, contextlib.AsyncExitStack() as stack:
        async with a_door(coordinator.port, folder) as door:
            workers = [
                await stack.enter_async_context(WorkerProcess(port, index=index, policy=POLICY))
                for index, port in enumerate(door.ports, 1)
            ]
            each_s = (STABLE_S + CUT_S + BACK_S) / WORKERS
            waited = await asyncio.gather(
                *(outages(door, one, each_s * at) for at, one in enumerate(workers))
            )
            for worker in workers:
                await worker.kill()
        names = [one.name for one in workers]
        files = [one.folder / f"{one.name}.jsonl" for one in workers]
        own = read([*files, coordinator.folder / "coordinator.jsonl"], names)
        return Both(own, link_history(read([door.journal])), dict(zip(names, waited, strict=True)))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return asyncio.run(both_histories(tmp_path_factory.mktemp("door")))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def test_reconnection_times_are_within_20_ms_at_p99(both: Both) -> None:
    """Beside the time for which a worker's process, ready to run, waits for a processor of a busy machine:
    so much later is what it writes itself.
    """
    waited = [one for worker in both.own.clients for one in both.waited_ms[worker]]
    apart_ms = [1e3 * abs((ours.total_s or 0.0) - (theirs.total_s or 0.0)) for theirs, ours in both.pairs()]
    assert len(apart_ms) >= MIN_OUTAGES
    assert percentile(apart_ms, 0.5) < 10
    beside_ms = [apart - late for apart, late in zip(apart_ms, waited, strict=True)]
    assert percentile(beside_ms, 0.99) < 20


def test_attempts_are_as_many(both: Both) -> None:
    pairs = both.pairs()
    assert [len(ours.attempts) for _, ours in pairs] == [len(theirs.attempts) for theirs, _ in pairs]


def test_the_same_policy_is_named(both: Both) -> None:
    own, seen = (
        identify_policy(pooled(list(gaps_by_client(history).values()))) for history in (both.own, both.seen)
    )
    for one in (own, seen):
        assert one.sure
        assert one.best is not None
        assert one.best.policy.name == POLICY
