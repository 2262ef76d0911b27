"""A supervisor on this machine and processes of its lab: small programs, no Docker and no Toxiproxy."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from driver.engines.process import lab_addresses
from driver.engines.process.control_groups import find_parents
from driver.engines.process.lab_addresses import ISOLATED
from driver.engines.process.lab_folder import LOGS
from driver.engines.process.lab_network import client_address
from driver.engines.process.lab_remains import lab_remains
from driver.engines.process.log_file import last_lines
from driver.engines.process.namespaces import refusal
from driver.engines.process.process_engine import ProcessEngine, holds
from driver.engines.process.process_spec import BoundPath, ProcessSpec
from driver.engines.process.requests import ProcessRow, SupervisorPlace
from driver.engines.process.supervisor_client import SupervisorClient
from driver.errors import ContainerGoneError, EngineError, EngineGoneError, SubnetInUseError
from driver.paths import project_root
from tests.waiting import eventually_in_thread

PYTHON = os.path.realpath(sys.executable)
SERVE = """
import socket, sys, time
listener = socket.socket()
for interface in sys.argv[2:]:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
listener.bind((sys.argv[1], 9000))
listener.listen()
print("listens", flush=True)
while True:
    listener.accept()[0].close()
"""
DIAL = """
import socket, sys
for host, port in (("10.232.0.2", 9000), ("10.231.0.2", 9000), ("10.233.0.1", 22), ("192.0.2.1", 80)):
    try:
        socket.create_connection((host, port), timeout=2).close()
        print(host, "reached", flush=True)
    except OSError as error:
        print(host, type(error).__name__, flush=True)
"""
DIAL_THROUGH_ITS_INTERFACE = """
import socket, sys
for host in ("10.232.0.2", "10.233.0.3", "10.231.0.3", sys.argv[1]):
    with socket.socket() as client:
        # Needs no right, and takes every address for one of the network behind the interface.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"links")
        client.settimeout(2)
        try:
            client.connect((host, 9000))
            print(host, "reached", flush=True)
        except OSError as error:
            print(host, "not reached", flush=True)
"""
LOOK = """
import os
print("processes", *sorted(one for one in os.listdir("/proc") if one.isdigit()))
print("journals", *os.listdir("/journal"))
print("folders", *(one for one in ("/home", "/var", "/sys", "/etc/shadow") if os.path.exists(one)))
try:
    os.unlink("/etc/hosts")
    print("removed a file")
except OSError as error:
    print("kept", error.strerror)
"""
NEIGHBOURS = """
for line in sorted(open("/proc/net/arp").read().splitlines()[1:]):
    address, _, flags, mac, _, network = line.split()
    print(network, address, mac, "for good" if int(flags, 16) & 4 else "learned", flush=True)
"""
SLEEP = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"
COUNT = "import time\nwhile True: print('tick', flush=True); time.sleep(0.02)\n"


@dataclass
class SmallLab:
    """A lab whose processes are small programs."""

    folder: Path
    isolated: bool = True
    index: int = 0
    project: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.client = SupervisorClient(self.project)

    def start(self) -> None:
        claim = "" if self.isolated else lab_addresses.loopback(self.index).claim
        place = SupervisorPlace(
            project=self.project, folder=str(self.client.folder), checkout=str(project_root()), code={},
            modules=(), published=(), programs={}, hosts={"toxiproxy": "10.232.0.2"},
            isolated=self.isolated, claim=claim,
        )  # fmt: skip
        self.client.start(place, lambda: False)

    def spec(self, name: str, code: str, *words: str) -> ProcessSpec:
        journal = self.folder / name
        journal.mkdir(exist_ok=True)
        journal.chmod(0o777)
        mounts = (BoundPath(str(journal), "/journal"),) if self.isolated else ()
        number = 2 if name == "worker-2" else 1
        networks = {"links": client_address(number)} if self.isolated else {}
        if name in ("toxiproxy", "coordinator") and self.isolated:
            networks = dict(ISOLATED.networks(name))
        return ProcessSpec(
            name=name,
            service=name,
            image="",
            argv=(PYTHON, "-c", code, *words),
            mounts=mounts,
            networks=networks,
        )  # fmt: skip

    def run(self, name: str, code: str, *words: str) -> None:
        self.client.call("create", specs=[self.spec(name, code, *words)])
        self.client.call("start", names=[name])

    def serve(self, name: str, address: str, *interfaces: str) -> None:
        """Run a process that listens, at an interface alone where one is given, and wait until it does."""
        self.run(name, SERVE, address, *interfaces)
        self.wait_for(lambda: self.log(name) == ["listens"], "a listener")

    def row(self, name: str) -> ProcessRow:
        rows: list[ProcessRow] = self.client.call("rows", list[ProcessRow])
        return next(one for one in rows if one.name == name)

    def log(self, name: str) -> list[str]:
        lines = last_lines(self.client.folder / LOGS / f"{name}.log", None).splitlines()
        return [line.partition(" ")[2] for line in lines]

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        eventually_in_thread(lambda: condition() or None, what)

    def pids(self) -> list[int]:
        """Processes of this machine that are the lab's programs."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                text = path.read_bytes()
            except OSError:
                continue
            if self.project.encode() in text:
                found.append(int(path.parent.name))
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SmallLab]:
    assert not refusal()
    found = SmallLab(tmp_path)
    found.start()
    yield found
    assert found.client.end() == []


def test_a_client_reaches_toxiproxy_and_nothing_else(lab: SmallLab) -> None:
    lab.serve("toxiproxy", "0.0.0.0")
    lab.serve("coordinator", "0.0.0.0")
    lab.run("worker-1", DIAL)
    lab.wait_for(lambda: lab.row("worker-1").status == "exited", "the end of worker-1")
    assert lab.log("worker-1") == [
        "10.232.0.2 reached",
        "10.231.0.2 OSError",
        "10.233.0.1 OSError",
        "192.0.2.1 OSError",
    ]


def test_a_client_reaches_toxiproxy_on_its_links_alone_also_through_a_chosen_interface(lab: SmallLab) -> None:
    lab.serve("toxiproxy", "0.0.0.0")
    lab.serve("worker-2", "0.0.0.0", "links")
    lab.run("worker-1", DIAL_THROUGH_ITS_INTERFACE, client_address(2))
    lab.wait_for(lambda: lab.row("worker-1").status == "exited", "the end of worker-1")
    assert lab.log("worker-1") == [
        "10.232.0.2 reached",
        "10.233.0.3 not reached",
        "10.231.0.3 not reached",
        f"{client_address(2)} not reached",
    ]


@pytest.mark.parametrize("first", ["toxiproxy", "worker-2"])
def test_clients_and_toxiproxy_are_neighbours_for_good(lab: SmallLab, first: str) -> None:
    lab.client.call("create", specs=[lab.spec(first, NEIGHBOURS)])
    names = ["toxiproxy", "worker-1", "worker-2"]
    lab.client.call("create", specs=[lab.spec(name, NEIGHBOURS) for name in names])
    lab.client.call("start", names=names)
    lab.wait_for(lambda: all(lab.row(name).status == "exited" for name in names), "their ends")
    assert lab.log("toxiproxy") == [
        "links 10.232.0.16 02:42:0a:e8:00:10 for good",
        "links 10.232.0.17 02:42:0a:e8:00:11 for good",
    ]
    assert lab.log("worker-1") == ["links 10.232.0.2 02:42:0a:e8:00:02 for good"]


def test_a_process_sees_itself_and_its_own_journal_alone(lab: SmallLab) -> None:
    lab.run("other", SLEEP)
    (lab.folder / "other" / "other.jsonl").write_text("secret")
    (lab.folder / "worker-1").mkdir()
    (lab.folder / "worker-1" / "own.jsonl").write_text("own")
    lab.run("worker-1", LOOK)
    lab.wait_for(lambda: len(lab.log("worker-1")) == 4, "four lines")
    assert lab.log("worker-1") == [
        "processes 1 2",
        "journals own.jsonl",
        "folders",
        "kept Read-only file system",
    ]


def test_a_pause_stops_a_process_until_it_is_resumed(lab: SmallLab) -> None:
    lab.run("worker-1", COUNT)
    lab.wait_for(lambda: len(lab.log("worker-1")) > 3, "ticks")
    lab.client.call("pause", name="worker-1")
    assert lab.row("worker-1").status == "paused"
    before = lab.log("worker-1")
    with pytest.raises(EngineError, match="paused already"):
        lab.client.call("pause", name="worker-1")
    assert lab.log("worker-1") == before
    lab.client.call("unpause", name="worker-1")
    lab.wait_for(lambda: len(lab.log("worker-1")) > len(before), "more ticks")


def test_a_paused_process_can_be_killed_and_started_again(lab: SmallLab) -> None:
    lab.run("worker-1", SLEEP)
    lab.wait_for(lambda: lab.log("worker-1") == ["here"], "its first line")
    lab.client.call("pause", name="worker-1")
    lab.client.call("kill", name="worker-1")
    row = lab.row("worker-1")
    assert (row.status, row.exit_code) == ("exited", 137)
    lab.client.call("start", names=["worker-1"])
    lab.wait_for(lambda: lab.log("worker-1") == ["here", "here"], "its second line")


def test_a_program_s_exit_code_and_a_signal_s_are_reported(lab: SmallLab) -> None:
    lab.run("worker-1", "raise SystemExit(3)")
    lab.run("worker-2", "import os\nos.kill(os.getpid(), 15)")
    lab.wait_for(lambda: lab.row("worker-1").exit_code == 3, "exit code 3")
    lab.wait_for(lambda: lab.row("worker-2").exit_code == 143, "exit code 143")


def test_a_program_that_cannot_be_executed_is_an_error_with_its_name(lab: SmallLab) -> None:
    spec = ProcessSpec(name="worker-1", service="worker", image="", argv=("/no/such/program",))
    lab.client.call("create", specs=[spec])
    with pytest.raises(EngineError, match="/no/such/program"):
        lab.client.call("start", names=["worker-1"])


def test_restarts_and_starts_at_once_leave_one_process(lab: SmallLab) -> None:
    lab.serve("toxiproxy", "10.232.0.2")
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(lab.client.call, "restart", name="toxiproxy", grace_s=1.0) for _ in range(3)]
        calls += [pool.submit(lab.client.call, "start", names=["toxiproxy"]) for _ in range(3)]
        for call in calls:
            call.result()
    assert lab.row("toxiproxy").status == "running"
    assert not [line for line in lab.log("toxiproxy") if line != "listens"]


def test_an_unplugged_process_is_silent_and_comes_back_with_its_connection(lab: SmallLab) -> None:
    echo = (
        "import socket\nlistener = socket.create_server(('10.232.0.2', 9000))\nprint(0, flush=True)\n"
        "end = listener.accept()[0]\nwhile piece := end.recv(9): print(piece.decode(), flush=True)\n"
    )
    send = (
        "import socket, time\nend = socket.create_connection(('10.232.0.2', 9000))\n"
        "for number in range(10000): end.sendall(b'x'); time.sleep(0.05)\n"
    )
    lab.run("toxiproxy", echo)
    lab.wait_for(lambda: lab.log("toxiproxy"), "a listener")
    lab.run("worker-1", send)
    lab.wait_for(lambda: len(lab.log("toxiproxy")) > 2, "bytes")
    lab.client.call("plug", name="worker-1", plugged=False)
    assert not lab.row("worker-1").plugged
    lab.client.call("plug", name="worker-1", plugged=True)
    before = len(lab.log("toxiproxy"))
    lab.wait_for(lambda: len(lab.log("toxiproxy")) > before, "bytes on the same connection")


def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    lab = SmallLab(tmp_path)
    lab.start()
    spec = lab.spec("worker-1", "import os\nif os.fork() == 0: os.setsid()\n" + SLEEP)
    lab.client.call("create", specs=[_marked(spec, lab.project)])
    lab.client.call("start", names=["worker-1"])
    lab.wait_for(lambda: len(lab.pids()) >= 2, "both of its processes")
    supervisor = _supervisor_of(lab)
    os.kill(supervisor, signal.SIGKILL)
    lab.wait_for(lambda: not lab.pids(), "the end of all processes")
    lab.wait_for(lambda: not lab_remains(lab.client.folder, lab.project), "no folder and no groups")
    with pytest.raises(EngineGoneError, match="has ended"):
        lab.client.call("rows", list[ProcessRow])


def test_a_lab_can_be_started_where_a_killed_one_was(tmp_path: Path) -> None:
    lab = SmallLab(tmp_path)
    lab.start()
    lab.run("worker-1", SLEEP)
    os.kill(_supervisor_of(lab), signal.SIGKILL)
    lab.wait_for(lambda: not lab.client.is_there(), "the supervisor's end")
    lab.start()
    lab.run("worker-1", SLEEP)
    assert lab.row("worker-1").status == "running"
    assert lab.client.end() == []


def test_a_process_that_is_not_there_is_named(lab: SmallLab) -> None:
    with pytest.raises(ContainerGoneError, match="worker-9"):
        lab.client.call("pause", name="worker-9")


def test_limits_are_set_and_a_process_beyond_its_memory_is_killed_for_it(lab: SmallLab) -> None:
    lab.run("worker-1", "import time\ntime.sleep(1)\nfull = bytearray(200 << 20)\ntime.sleep(600)\n")
    if "memory" not in find_parents().controllers:
        with pytest.raises(EngineError, match="no control group"):
            lab.client.call("limit", name="worker-1", cpus=0.5, memory_bytes=40 << 20)
        return
    lab.client.call("limit", name="worker-1", cpus=0.5, memory_bytes=40 << 20)
    assert (lab.row("worker-1").cpus, lab.row("worker-1").memory_bytes) == (0.5, 40 << 20)
    lab.wait_for(lambda: lab.row("worker-1").status == "exited", "its end")
    assert lab.row("worker-1").out_of_memory
    assert lab.row("worker-1").exit_code == 137


def test_two_labs_on_the_loopback_network_listen_at_the_same_port(tmp_path: Path) -> None:
    labs = [SmallLab(tmp_path, isolated=False, index=index) for index in (16_001, 16_002)]
    for lab in labs:
        lab.start()
    with pytest.raises(SubnetInUseError):
        SmallLab(tmp_path, isolated=False, index=16_001).start()
    for lab in labs:
        lab.serve("coordinator", lab_addresses.loopback(lab.index).server)
    for lab in labs:
        assert lab.row("coordinator").status == "running"
        with pytest.raises(EngineError, match="nothing can be unplugged"):
            lab.client.call("plug", name="coordinator", plugged=False)
        assert lab.client.end() == []


def test_a_killed_supervisor_on_the_loopback_network_leaves_nothing(tmp_path: Path) -> None:
    lab = SmallLab(tmp_path, isolated=False, index=16_003)
    lab.start()
    lab.client.call("create", specs=[_marked(lab.spec("worker-1", SLEEP), lab.project)])
    lab.client.call("start", names=["worker-1"])
    lab.wait_for(lab.pids, "its process")
    os.kill(_supervisor_of(lab), signal.SIGKILL)
    lab.wait_for(lambda: not lab.pids(), "the end of all processes")
    lab.wait_for(lambda: not lab_remains(lab.client.folder, lab.project), "no folder and no groups")


def _marked(spec: ProcessSpec, mark: str) -> ProcessSpec:
    return ProcessSpec(
        **{**{name: getattr(spec, name) for name in spec.__struct_fields__}, "environment": {"MARK": mark}}
    )


def _supervisor_of(lab: SmallLab) -> int:
    """The supervisor has the lab's socket open; its children have not."""
    rows = Path("/proc/net/unix").read_text().splitlines()
    (inode,) = [
        row.split()[6] for row in rows if row.endswith(f"{lab.project}/socket") and row.split()[5] == "01"
    ][:1]
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(path) == f"socket:[{inode}]":
                return int(path.parts[2])
        except OSError:
            continue
    raise AssertionError("no supervisor")


def test_a_lab_whose_start_was_killed_early_is_found_and_taken_down(tmp_path: Path) -> None:
    lab = SmallLab(tmp_path)
    lab.start()
    lab.run("worker-1", SLEEP)
    assert holds(lab.project, isolated=True)
    assert ProcessEngine(lab.project, project_root(), isolated=True).down() == []
    assert not holds(lab.project, isolated=True)
