"""Docker hosts of a test: engines in network namespaces of their own on this machine, one swarm, ended by the
test.

    this machine ── veth ── namespace with a bridge ──┬── veth ── namespace 1: dockerd, its data and socket
                                                      ├── veth ── namespace 2: …

The bridge has a namespace of its own, since the machine's own engine drops what this machine forwards.

Each engine may be in a time namespace too, so that the clocks of its containers really differ by minutes.
Nothing touches the machine's own engine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import eventually_in_thread

BRIDGE = "slbridge"
STARTED_WITHIN_S = 60.0
ENDED_WITHIN_S = 40.0


class HostsError(Exception):
    """A command that prepares the hosts failed."""


@dataclass(frozen=True)
class DockerHost:
    """One engine: the address of its API, its own address, and the interface that connects it."""

    name: str
    api: str
    address: str
    namespace: str
    veth: str
    switch: str
    folder: Path

    def docker(self, *words: str) -> str:
        """Run the docker client on this host; its output."""
        return command("docker", "-H", self.api, *words)

    def cut(self) -> None:
        """Cut the host off from all others."""
        command("ip", "-n", self.switch, "link", "set", self.veth, "down")

    def join(self) -> None:
        """Undo `cut`."""
        command("ip", "-n", self.switch, "link", "set", self.veth, "up")

    def die(self) -> None:
        """End the engine at once, as if the host had lost its power; its containers run on, out of reach."""
        os.kill(self.pid(), signal.SIGKILL)
        _wait_until_gone(self.pid())

    def pid(self) -> int:
        """The engine's process."""
        return int((self.folder / "dockerd.pid").read_text())


def command(*argv: str) -> str:
    """Run a command; its output. Raises HostsError with what it printed."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise HostsError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@contextmanager
def docker_hosts(ahead_s: Sequence[int] = (0, 0, 0)) -> Iterator[list[DockerHost]]:
    """Start an engine for each entry of `ahead_s`: the seconds by which its clock is ahead. All are one
    swarm.

    At the end engines, their containers, namespaces and interfaces are gone.
    """
    # The path of a socket has 104 characters at most: a test's own folder is too deep.
    folder = Path(tempfile.mkdtemp(prefix="slh"))
    mark = f"{os.getpid() % 0xFFFF:04x}"
    switch, third = f"slb{mark}", os.getpid() % 200 + 20
    hosts = [_planned(folder, mark, third, number) for number in range(1, len(ahead_s) + 1)]
    try:
        _make_switch(switch, f"10.88.{third}.1/24")
        for host, seconds in zip(hosts, ahead_s, strict=True):
            _connect(host, switch)
            _start(host, seconds)
        for host in hosts:
            _wait_until_it_answers(host)
        _make_swarm(hosts)
        yield hosts
    finally:
        for host in hosts:
            _ask_to_end(host)
        for host in hosts:
            _end(host)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(HostsError):
            command("ip", "netns", "delete", switch)


def _planned(folder: Path, mark: str, third: int, number: int) -> DockerHost:
    own = folder / f"h{number}"
    own.mkdir(parents=True)
    return DockerHost(
        name=f"host{number}", api=f"unix://{own}/docker.sock", address=f"10.88.{third}.{10 + number}",
        namespace=f"sln{mark}-{number}", veth=f"slv{mark}-{number}", switch=f"slb{mark}", folder=own,
    )  # fmt: skip


def _make_switch(switch: str, own_address: str) -> None:
    """Make the namespace of the bridge, to which this machine is connected too."""
    command("ip", "netns", "add", switch)
    command("ip", "-n", switch, "link", "add", BRIDGE, "type", "bridge")
    command("ip", "-n", switch, "link", "set", BRIDGE, "up")
    command("ip", "link", "add", switch, "type", "veth", "peer", "name", "up0", "netns", switch)
    command("ip", "-n", switch, "link", "set", "up0", "master", BRIDGE, "up")
    command("ip", "address", "add", own_address, "dev", switch)
    command("ip", "link", "set", switch, "up")


def _connect(host: DockerHost, switch: str) -> None:
    command("ip", "netns", "add", host.namespace)
    command("ip", "-n", switch, "link", "add", host.veth, "type", "veth", "peer", "name", "eth0", "netns",
            host.namespace)  # fmt: skip
    command("ip", "-n", switch, "link", "set", host.veth, "master", BRIDGE, "up")
    for words in (
        ("address", "add", f"{host.address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        command("ip", "-n", host.namespace, *words)


def _start(host: DockerHost, ahead_s: int) -> None:
    number = host.name.removeprefix("host")
    config = {
        "hosts": [host.api], "data-root": f"{host.folder}/data", "exec-root": f"{host.folder}/run",
        "pidfile": f"{host.folder}/dockerd.pid", "bip": f"172.31.{number}.1/24",
        "default-address-pools": [{"base": f"172.30.{int(number) * 16}.0/20", "size": 24}],
    }  # fmt: skip
    (host.folder / "daemon.json").write_text(json.dumps(config))
    clock = ["--time", f"--monotonic={ahead_s}"] if ahead_s else []
    with (host.folder / "dockerd.log").open("wb") as log:
        subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{host.namespace}", "unshare", "--uts", *clock, "--fork",
             "sh", "-c", f'hostname {host.name} && exec dockerd --config-file "{host.folder}/daemon.json"'],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _wait_until_it_answers(host: DockerHost) -> None:
    def answers() -> bool:
        with suppress(HostsError):
            return bool(host.docker("version", "--format", "{{.Server.Version}}"))
        return False

    def log() -> str:
        return (host.folder / "dockerd.log").read_text()[-2000:]

    eventually_in_thread(answers, log, STARTED_WITHIN_S, 0.1)


def _make_swarm(hosts: Sequence[DockerHost]) -> None:
    first = hosts[0]
    first.docker("swarm", "init", "--advertise-addr", first.address)
    token = first.docker("swarm", "join-token", "-q", "worker")
    for host in hosts[1:]:
        host.docker(
            "swarm", "join", "--token", token, "--advertise-addr", host.address, f"{first.address}:2377"
        )


def _ask_to_end(host: DockerHost) -> None:
    with suppress(OSError, ValueError):
        if not Path(f"/proc/{host.pid()}").exists():
            # An engine that died has containers, which the next one on the same data finds and stops.
            _start(host, 0)
            _wait_until_it_answers(host)
        os.kill(host.pid(), signal.SIGTERM)


def _end(host: DockerHost) -> None:
    with suppress(OSError, ValueError):
        _wait_until_gone(host.pid())
    with suppress(HostsError):
        command("ip", "netns", "delete", host.namespace)
    for mount in _mounts_under(host.folder):
        with suppress(HostsError):
            command("umount", "-l", mount)
    shutil.rmtree(host.folder, ignore_errors=True)


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + ENDED_WITHIN_S
    with suppress(AssertionError):
        eventually_in_thread(
            lambda: not Path(f"/proc/{pid}").exists(), "the engine ends", ENDED_WITHIN_S, 0.1
        )
    if time.monotonic() > deadline:
        os.kill(pid, signal.SIGKILL)


def _mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    found = [line.split()[1] for line in lines]
    return [mount for mount in reversed(found) if mount.startswith(f"{folder}/")]
