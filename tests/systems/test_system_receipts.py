"""Claims about receipts on a foreign system, on real containers: examples/doors, as it is.

Nine link faults of the catalogue are at once, each on a link of its own, then the next nine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from chaos.catalogue import FAULTS, make
from chaos.fault import Fault, Layer
from chaos.prober.events import StreamOpened
from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_clients import in_parallel
from driver.engines.compose_engine import ComposeEngine
from driver.engines.docker_sdk import DockerSdk
from driver.errors import LinksError
from driver.histories.history import History
from driver.histories.live_journals import LiveJournals
from driver.judging.injected_faults import injected_faults
from driver.judging.receipts import Proof, prove
from driver.labs.end_request import EndRequest
from driver.labs.injection_plan import plan_on_targets
from driver.labs.manual_injection import await_effect, inject
from driver.paths import project_root
from driver.scenarios.plan import PlannedFault
from driver.systems.lab_of_system import SystemLab
from driver.systems.replicas import SystemContainers, system_containers
from driver.systems.running_system import RunningSystem, running_system
from driver.systems.system_images import LAB_IMAGES, door_image
from driver.systems.system_prober import SystemProber
from driver.systems.system_request import SystemRequest
from driver.systems.system_site import SystemSite
from driver.terminal import Terminal
from tests.systems.test_doors import WORKER, docker
from tests.waiting import eventually_in_thread

FILE = project_root() / "examples/doors/compose.yaml"
PROJECT = "doors-receipts-test"
LINKS = 18
AT_ONCE = 9
LASTS_S = 12.0
LISTENS = "0A"
"""The state of a socket that listens, in /proc/net/tcp."""
LINK_FAULTS = sorted(name for name, kind in FAULTS.items() if kind.layer is not Layer.container)
PARAMS: dict[str, dict[str, str]] = {
    "latency": {"mean": "100ms"},
    "bandwidth": {"rate": "64KB/s"},
    "fragment": {"size": "64B", "gap": "10ms"},
    "corrupt": {"rate": "1e-3"},
    "duplicate": {"probability": "10%"},
    "drop": {"probability": "10%"},
    "fail_first": {"connections": "3"},
    "reject": {"retry_after": "2s"},
    "flap": {"of": "refuse", "down": "3s", "up": "4s"},
}


def fault_of(name: str) -> Fault:
    """A fault of the catalogue; one without parameters here has those of its example."""
    example = dict(pair.split(": ") for pair in FAULTS[name].example.split(", ") if pair)
    return make(name, PARAMS.get(name, example))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The example, up behind doors, with a prober that two commands at once have started."""
    # Not for the system's project: its end removes what was built for it.
    engine = ComposeEngine(f"{PROJECT}-images", project_root(), build_environment)
    engine.ensure_images([*LAB_IMAGES, "worker"], print)
    folder = tmp_path_factory.mktemp("systems")
    lab = SystemLab(PROJECT, door_image(), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(WORKER, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        lab.down()
        lab.up(SystemRequest((FILE,), publish=False), print)
    try:
        assert containers().prober is None
        one, other = (running_system(PROJECT, folder / PROJECT, str(FILE)) for _ in range(2))
        in_parallel(lambda one: prober_of(one).observe(lambda: None), (one, other))
        yield one
    finally:
        lab.down()


def containers() -> SystemContainers:
    """The containers as the engine lists them now."""
    return system_containers(DockerSdk(PROJECT).summaries(), PROJECT)


def prober_of(system: RunningSystem) -> SystemProber:
    assert system.prober is not None
    return system.prober


@dataclass(frozen=True)
class Injected:
    """One injection of all link faults: its plan by fault, its receipts by id, its history."""

    plan: dict[str, list[PlannedFault]]
    proofs: dict[str, Proof]
    history: History

    def proofs_of(self, fault: str) -> list[Proof]:
        return [self.proofs[one.id] for one in self.plan[fault]]


@pytest.fixture(scope="module")
def seen_at_once(system: RunningSystem) -> set[str]:
    """The links that the prober had seen before the first injection."""
    read = LiveJournals([system.journals], only="prober").read()
    return {one.link for one in read.of(StreamOpened)}


@pytest.fixture(scope="module")
def injected(system: RunningSystem, seen_at_once: set[str]) -> Injected:
    links = sorted(link.name for link in system.links.wanted())
    plan = {
        name: plan_on_targets(
            fault_of(name), (links[number % AT_ONCE],), LASTS_S if FAULTS[name].lasting else None, seed=7
        )
        for number, name in enumerate(LINK_FAULTS)
    }
    done = [asyncio.run(inject_all(system, list(names), plan)) for names in batched(LINK_FAULTS)]
    return Injected(plan, {one: proof for proofs, _ in done for one, proof in proofs.items()}, done[-1][1])


def batched(names: list[str]) -> list[list[str]]:
    """The faults that are at once."""
    return [names[begin : begin + AT_ONCE] for begin in range(0, len(names), AT_ONCE)]


async def inject_all(
    system: RunningSystem, names: list[str], plan: dict[str, list[PlannedFault]]
) -> tuple[dict[str, Proof], History]:
    """Inject some faults at once; their receipts by id, and the history of all up to then."""
    site, request = SystemSite(system), EndRequest(PROJECT)
    planned = [one for name in names for one in plan[name]]
    with Terminal() as terminal:
        done = await inject(site, planned, request, terminal)
        effect = await await_effect(site, done, planned, terminal)
    return {one.fault: one for one in effect.proofs}, done.journals.read()


def test_the_prober_sees_each_link_once_it_has_started(system: RunningSystem, seen_at_once: set[str]) -> None:
    wanted = {link.name for link in system.links.wanted()}
    assert seen_at_once == wanted
    assert len(wanted) == LINKS


@pytest.mark.parametrize("fault", LINK_FAULTS)
def test_a_link_fault_on_a_foreign_system_is_proved_on_its_link_alone(fault: str, injected: Injected) -> None:
    for proof in injected.proofs_of(fault):
        assert proof.proved, proof.because
        assert proof.hit == list(injected.plan[fault][0].targets)
        assert proof.strayed == []
        assert len(proof.spared) >= LINKS - AT_ONCE


@pytest.mark.parametrize("fault", LINK_FAULTS)
def test_a_fault_is_not_proved_on_a_link_that_had_none(
    fault: str, injected: Injected, system: RunningSystem
) -> None:
    links = sorted(link.name for link in system.links.wanted())
    spared, first = links[-1], injected.plan[fault][0]
    (done,) = [one for one in injected_faults(injected.history) if one.fault_id == first.id]
    claimed = replace(
        done,
        targets=(spared,),
        began_ns=dict.fromkeys([spared], done.first_ns),
        ended_ns=dict.fromkeys([spared], done.last_ns) if done.fault.lasting else {},
    )
    (proof,) = prove([claimed], injected.history, [spared])
    assert not proof.proved


def test_a_server_never_sees_the_prober(system: RunningSystem) -> None:
    """No service connects to web, and the prober has one on each of seven links to it."""
    assert len([link for link in system.links.wanted() if "->web:8000" in link.name]) == 7
    rows = docker("exec", f"{PROJECT}-web-1", "cat", "/proc/net/tcp").splitlines()
    to_web = [row.split()[3] for row in rows if row.split()[1].endswith(f":{8000:04X}")]
    assert to_web == [LISTENS]


def test_a_replica_that_moves_is_probed_at_its_new_address(injected: Injected, system: RunningSystem) -> None:
    prober, network = prober_of(system), f"{PROJECT}_sl-worker"
    address = next(one.address for one in containers().replicas if one.name == "worker[3]")
    moved = address.rpartition(".")[0] + ".77"
    docker("network", "disconnect", network, f"{PROJECT}-worker-3")
    docker("network", "connect", "--ip", moved, network, f"{PROJECT}-worker-3")
    names = prober.follow()
    assert "worker[3]->orders:5432" in names
    written = (system.journals / "prober/prober.links").read_text()
    assert f"worker->orders:5432@{moved}" in written
    assert f"worker->orders:5432@{address}" not in written
    prober.wait_seen(names)


def test_a_door_that_was_restarted_has_its_links_again(injected: Injected, system: RunningSystem) -> None:
    prober = prober_of(system)
    docker("restart", "-t", "1", f"{PROJECT}-sl-door-1-1")

    def followed() -> list[str]:
        with suppress(LinksError):
            return prober.follow()
        return []

    prober.wait_seen(eventually_in_thread(followed, "the door's API answers"))


def test_each_process_of_the_lab_has_its_own_folder_alone(system: RunningSystem) -> None:
    for service, process in (("sl-prober", "prober"), ("sl-door-1", "door-1"), ("sl-door-2", "door-2")):
        sources = docker("inspect", "-f", "{{range .Mounts}}{{.Source}} {{end}}", f"{PROJECT}-{service}-1")
        journals = [one for one in sources.split() if one.startswith(str(system.folder.resolve()))]
        assert journals == [str(system.journals.resolve() / process)]
        assert (system.journals / process / f"{process}.jsonl").stat().st_size > 0
