"""Claims about a foreign system behind doors, on real containers: examples/doors, as it is."""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest

from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.errors import LinksError, NotReadyError
from driver.labs.toxiproxy_api import LinkState
from driver.paths import project_root, state_dir
from driver.systems.lab_of_system import SystemLab
from driver.systems.replicas import Replica
from driver.systems.running_system import running_system
from driver.systems.system_images import LAB_IMAGES, door_image
from driver.systems.system_request import SystemRequest, project_of
from tests.waiting import eventually_in_thread

FILE = project_root() / "examples/doors/compose.yaml"
PROJECT = "doors-test"
LIMIT_S = 20.0
WORKER = next(one for one in images.CATALOGUE if one.service == "worker")
REACHES = """
import socket, sys
for host, port in (target.rsplit(':', 1) for target in sys.argv[1:]):
    try:
        connection = socket.create_connection((host, int(port)), 2)
        connection.sendall(b'?\\n')
        print(connection.makefile().readline().strip() or 'ended')
    except OSError as error:
        print(f'{error.strerror or error}')
"""
"""Prints, for each HOST:PORT, what answered a line there, or why the connection failed."""


def docker(*words: str) -> str:
    """The output of a docker command that must succeed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def left_of(project: str) -> list[str]:
    """Everything of a project that the engine has."""
    label = f"label=com.docker.compose.project={project}"
    kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"), ("image", "ls", "-q"))
    return [one for kind in kinds for one in docker(*kind, "--filter", label).split()]


def reaches(container: str, *targets: str) -> list[str]:
    """What answers a container at each HOST:PORT."""
    return docker("exec", container, "/venv/bin/python", "-c", REACHES, *targets).splitlines()


@contextmanager
def answers_one(server: socket.socket) -> Iterator[None]:
    """Answer one connection during the block."""

    def answer() -> None:
        with suppress(OSError), server.accept()[0] as connection:
            connection.sendall(b"hello from outside\n")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def until(what: str, met: Callable[[], bool]) -> None:
    """Wait for a condition."""
    eventually_in_thread(met, what, LIMIT_S, poll_s=0.05)


def lab_py(*words: str) -> str:
    """The standard output of a command of lab.py that must succeed."""
    argv = [sys.executable, str(project_root() / "lab.py"), *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The images of the example's choice, and a folder for generated files."""
    # Not for the system's project: its end removes what was built for it.
    engine = ComposeEngine(f"{PROJECT}-images", project_root(), build_environment)
    engine.ensure_images([*LAB_IMAGES, "worker"], print)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(WORKER, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        yield tmp_path_factory.mktemp("systems")


class Shop:
    """The example, up behind doors, with a prober."""

    def __init__(self, lab: SystemLab, folder: Path) -> None:
        self.lab = lab
        assert lab.containers().prober is None
        self.running = running_system(PROJECT, folder / PROJECT, str(FILE))
        assert self.running.prober is not None
        self.running.prober.observe(lambda: None)
        self.replicas = lab.containers().replicas
        assert [door.name for door in self.running.file.doors] == ["orders, web", "stock"]
        probes = json.loads(docker("inspect", "-f", "{{json .State.Health.Log}}", f"{PROJECT}-orders-1"))
        self.server_healthy_at = next(one["End"] for one in probes if one["ExitCode"] == 0)
        self.client_started_at = docker("inspect", "-f", "{{.State.StartedAt}}", f"{PROJECT}-worker-1")

    def replica(self, name: str) -> Replica:
        return next(one for one in self.replicas if one.name == name)

    def reaches(self, name: str, *targets: str) -> list[str]:
        """What answers a replica at each HOST:PORT."""
        return reaches(self.replica(name).id, *targets)

    def links(self) -> dict[str, LinkState]:
        return {one.name: one for one in self.running.links.states()}

    def bytes_to(self, link: str) -> int:
        return self.links()[link].bytes_upstream


@pytest.fixture(scope="module")
def shop(environment: Path) -> Iterator[Shop]:
    lab = SystemLab(PROJECT, door_image(), environment)
    lab.down()
    lab.up(SystemRequest((FILE,), publish=True), print)
    try:
        yield Shop(lab, environment)
    finally:
        lab.down()


def test_each_replica_reaches_each_server_over_a_link_of_its_own(shop: Shop) -> None:
    expected = {f"worker[{n}]->{server}:5432" for n in (1, 2, 3) for server in ("orders", "stock")}
    until("all six links carry bytes", lambda: all(shop.bytes_to(link) for link in expected))
    assert {link for link, state in shop.links().items() if state.connections} == expected


def test_a_replica_that_has_not_connected_has_its_links_too(shop: Shop) -> None:
    assert {"stock[2]->web:8000", "web[1]->orders:5432", "orders[1]->stock:5432"} <= set(shop.links())


def test_every_byte_that_a_server_receives_passed_its_door(shop: Shop) -> None:
    def received() -> int:
        return int(docker("exec", shop.replica("orders[1]").id, "cat", "/tmp/received"))

    def carried() -> int:
        return sum(state.bytes_upstream for link, state in shop.links().items() if "->orders:" in link)

    at_the_server = received()
    at_the_door = carried()
    assert 0 < at_the_server <= at_the_door
    until("the server has what the door had", lambda: received() >= at_the_door)


def on_network(name: str) -> tuple[list[str], str]:
    """The addresses of the containers on a network of the lab, and the host's."""
    engine = json.loads(docker("network", "inspect", f"{PROJECT}_{name}"))[0]
    addresses = [end["IPv4Address"].partition("/")[0] for end in engine["Containers"].values()]
    return addresses, str(ipaddress.ip_network(engine["IPAM"]["Config"][0]["Subnet"])[1])


@pytest.mark.parametrize("client", ["orders[1]", "stock[1]", "stock[2]", "worker[1]", "web[1]"])
def test_no_service_reaches_another_one_but_through_a_door(shop: Shop, client: str) -> None:
    service = client.partition("[")[0]
    ports = {"orders": 5432, "stock": 5432, "web": 8000, "worker": 1}
    around = [f"{one.address}:{ports[one.service]}" for one in shop.replicas if one.service != service]
    outside, gateway = on_network("sl_outside")
    probing, _ = on_network("sl_prober")
    lab = [f"{address}:8474" for address in outside]
    lab += [f"{address}:{port}" for address in probing for port in (8475, 8476)]
    targets = [*around, *lab, f"{gateway}:18765", "192.0.2.1:80"]
    assert len(targets) > 12
    assert set(shop.reaches(client, *targets)) == {"Network is unreachable"}


@pytest.mark.parametrize("client", ["orders[1]", "stock[1]", "worker[1]", "web[1]"])
def test_no_service_reaches_the_api_of_a_door_by_its_servers_name(shop: Shop, client: str) -> None:
    servers = [name for name in ("orders", "stock", "web") if name != client.partition("[")[0]]
    assert set(shop.reaches(client, *(f"{name}:8474" for name in servers))) == {"Connection refused"}


def test_the_host_is_not_on_a_services_network(shop: Shop) -> None:
    network = json.loads(docker("network", "inspect", f"{PROJECT}_sl-worker"))[0]
    host = ipaddress.ip_network(network["IPAM"]["Config"][0]["Subnet"])[1]
    assert shop.reaches("worker[1]", f"{host}:18765")[0] in ("No route to host", "timed out")


def test_a_server_sees_its_door_and_no_client(shop: Shop) -> None:
    (answer,) = shop.reaches("web[1]", "database:5432")
    door = json.loads(docker("inspect", f"{PROJECT}-sl-door-1-1"))[0]["NetworkSettings"]["Networks"]
    assert answer.split()[1] == door[f"{PROJECT}_sl-orders"]["IPAddress"]


def test_one_door_reaches_all_replicas_of_its_server(shop: Shop) -> None:
    answers = shop.reaches("web[1]", *["stock:5432"] * 24)
    assert len({answer.split()[0] for answer in answers}) == 2


def test_a_published_port_leads_through_a_door(shop: Shop) -> None:
    with socket.create_connection(("127.0.0.1", 18765), LIMIT_S) as connection:
        connection.sendall(b"hello\n")
        assert connection.makefile().readline()
    state = shop.links()["outside->web:8000"]
    assert (state.accepted, state.bytes_upstream) == (1, 6)


def test_a_link_is_cut_alone(shop: Shop) -> None:
    hurt = "worker[2]->orders:5432"
    others = [link for link, state in shop.links().items() if state.connections and link != hurt]
    assert len(others) == 5
    fault = {"id": "cut", "links": [hurt], "action": "refuse", "lease_ms": 30_000}
    assert shop.running.links.begin_fault(fault).links[0].connections_hit == 1
    before = shop.links()
    until(
        "the others go on",
        lambda: all(shop.bytes_to(one) > before[one].bytes_upstream + 24 for one in others),
    )
    assert shop.links()[hurt].connections == 0
    assert shop.bytes_to(hurt) == before[hurt].bytes_upstream
    assert all(shop.links()[one].accepted == before[one].accepted for one in others)
    shop.running.links.end_fault("cut")
    until("the link carries bytes again", lambda: shop.bytes_to(hurt) > before[hurt].bytes_upstream)


def test_links_carry_bytes_again_when_their_server_was_restarted(shop: Shop) -> None:
    docker("restart", "-t", "1", shop.replica("orders[1]").id)
    before = shop.links()
    links = [f"worker[{n}]->orders:5432" for n in (1, 2, 3)]
    until("all are back", lambda: all(shop.bytes_to(one) > before[one].bytes_upstream for one in links))


def test_a_client_started_when_its_server_was_healthy(shop: Shop) -> None:
    assert datetime.fromisoformat(shop.client_started_at) > datetime.fromisoformat(shop.server_healthy_at)


def test_a_door_that_died_is_shown_with_its_state(shop: Shop) -> None:
    docker("kill", f"{PROJECT}-sl-door-2-1")
    docker("wait", f"{PROJECT}-sl-door-2-1")
    try:
        states = {one.name: one.shown_state for one in shop.lab.containers().doors}
        assert states["door of stock"] == "exited (137)"
        with pytest.raises(LinksError, match="The door of stock does not run"):
            shop.links()
    finally:
        docker("start", f"{PROJECT}-sl-door-2-1")


def test_names_that_the_user_gave_are_not_taken(shop: Shop) -> None:
    names = docker("ps", "-a", "--format", "{{.Names}}").splitlines()
    assert "shop-web" not in names
    tags = docker("image", "ls", "--format", "{{.Repository}}")
    assert "shop/web" not in tags.splitlines()


def test_down_leaves_nothing_and_touches_no_other_project(environment: Path) -> None:
    project = project_of(FILE)
    own = ("compose", "-f", str(FILE))
    docker(*own, "up", "-d", "orders")
    try:
        before = docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "shop-orders-1")
        started = json.loads(lab_py("up", "--system", str(FILE), "--any-ports", "--json"))
        assert (started["project"], started["services"]["worker"]) == (project, 3)
        assert len(json.loads(lab_py("links", "--system", str(FILE), "--json"))) == 18
        status = json.loads(lab_py("status", "--system", str(FILE), "--json"))
        names = [one["name"] for one in status["containers"] if one["status"] == "running"]
        assert [name for name in names if "[" in name] == [
            "orders[1]", "stock[1]", "stock[2]", "web[1]", "worker[1]", "worker[2]", "worker[3]",
        ]  # fmt: skip
        assert (status["up"], status["degraded"]) == (True, {})
        assert "9 containers removed, nothing is left" in lab_py("down", "--system", str(FILE))
        assert left_of(project) == []
        assert not (state_dir() / "systems" / project).exists()
        assert docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "shop-orders-1") == before
        assert docker("volume", "ls", "-q", "--filter", "name=shop_data") == "shop_data"
    finally:
        lab_py("down", "--system", str(FILE))
        docker(*own, "down", "-v", "-t", "1")


def test_a_service_with_a_way_out_reaches_this_machine_and_another_one_does_not(
    environment: Path, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    node = "{image: '${PYTHON_IMAGE}', entrypoint: [sleep, '60'], init: true}"
    file.write_text(f"services:\n  leaves: {node}\n  stays: {node}\n")
    host = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Gateway"]
    lab = SystemLab(f"{PROJECT}-4", door_image(), environment)
    with socket.create_server((host, 0)) as server, answers_one(server):
        try:
            lab.up(SystemRequest((file,), egress=frozenset({"leaves"})), print)
            target = f"{host}:{server.getsockname()[1]}"
            found = {one.service: reaches(one.id, target) for one in lab.containers().replicas}
        finally:
            lab.down()
    assert found == {"leaves": ["hello from outside"], "stays": ["Network is unreachable"]}


def test_a_start_that_fails_says_why_and_leaves_nothing(environment: Path, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n  broken:\n    image: ${PYTHON_IMAGE}\n    expose: ['80']\n"
        "    entrypoint: ['${PYTHON}', -c, 'print(\"no such table\"); exit(3)']\n"
        "  client: {image: '${PYTHON_IMAGE}', entrypoint: [sleep, '60'], init: true}\n"
    )
    lab = SystemLab(f"{PROJECT}-3", door_image(), environment)
    with pytest.raises(NotReadyError, match=r"broken\[1\] ended with 3\. .*\n  no such table"):
        lab.up(SystemRequest((file,)), print)
    assert left_of(f"{PROJECT}-3") == []


def test_a_tag_of_the_users_stays_on_the_image_that_has_it(environment: Path, tmp_path: Path) -> None:
    tag = f"{PROJECT}-mine:latest"
    file = tmp_path / "compose.yaml"
    file.write_text(
        f"services:\n  app:\n    init: true\n    build: {{context: ., tags: ['{tag}']}}\n"
        "    entrypoint: [sleep, '60']\n"
    )
    image = images.reference(WORKER, project_root())
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nENV BUILT=again\n")
    docker("tag", image, tag)
    lab = SystemLab(f"{PROJECT}-5", door_image(), environment)
    try:
        before = docker("image", "inspect", "-f", "{{.Id}}", tag)
        try:
            lab.up(SystemRequest((file,)), print)
        finally:
            lab.down()
        assert docker("image", "inspect", "-f", "{{.Id}}", tag) == before
        assert left_of(f"{PROJECT}-5") == []
    finally:
        docker("image", "rm", tag)
