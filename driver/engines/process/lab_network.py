"""Network of a lab in a namespace of its own: a bridge for each network, and a pair of interfaces for each
end.

A client of `links` has a route to Toxiproxy's address there, and no other. A process may choose an interface
for its connections (SO_BINDTODEVICE needs no right), and takes every address for one behind it then: so an
end answers for its own address alone, and clients of `links` reach no port of the bridge but Toxiproxy's.
Clients and Toxiproxy have each other in their tables of neighbours for good: the kernel bounds what it learns
for all namespaces of a machine together (gc_thresh3: 1,024), which 500 clients fill.
`ip` (iproute2) makes interfaces and routes.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from chaos.targets import TOXIPROXY
from driver.engines.process import linux

CORE, LINKS, CONTROL = "core", "links", "control"
UNDER_TEST = (LINKS, CORE)
SUBNETS: Mapping[str, str] = {CORE: "10.231.0.0/24", LINKS: "10.232.0.0/22", CONTROL: "10.233.0.0/24"}
TOXIPROXY_LINKS = "10.232.0.2"
FIRST_CLIENT = 16
"""Clients of `links` have the addresses from here on; the prober's is one before."""
SUPERVISOR_CONTROL = "10.233.0.1"
IP_TIMEOUT_S = 20.0
IP_PROGRAM = "ip"
FORWARD = "ip_forward"
"""The kernel's parameter for passing packets on; a new namespace may begin with the machine's value."""
LEAVING = 77
"""The group of interfaces that are removed together."""


class NetworkLayout(msgspec.Struct, frozen=True):
    """The networks of a lab: the subnet of each, by name, which has 15 characters at most.

    `supervisor` has the supervisor's address in each network that it is in, and `under_test` the networks off
    which a process is unplugged.
    """

    subnets: Mapping[str, str]
    supervisor: Mapping[str, str]
    under_test: tuple[str, ...]

    def length(self, network: str) -> int:
        """Return the bits of a network's prefix."""
        return ipaddress.IPv4Network(self.subnets[network]).prefixlen


LAYOUT = NetworkLayout(SUBNETS, {CONTROL: SUPERVISOR_CONTROL}, UNDER_TEST)
"""The networks of the reference system's lab."""


class LabNetwork:
    """The bridges of one lab, and the ends of its processes. Raises OSError with what `ip` printed.

    `home_pid` is a process that stays in the lab's own network namespace, which this process has entered.
    """

    def __init__(self, home_pid: int, layout: NetworkLayout) -> None:
        self._home_pid = home_pid
        self._layout = layout
        self._lock = threading.Lock()
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._namespaces: dict[str, int] = {}
        self._ends: dict[str, dict[str, str]] = {}
        self._clients: dict[str, str] = {}
        self._count = 0

    def open(self) -> None:
        """Make the bridges."""
        _disable_ipv6()
        _set(FORWARD, "0")
        lines = ["link set lo up"]
        for name in self._layout.subnets:
            lines += [f"link add {name} type bridge", f"link set {name} up"]
        for name, address in self._layout.supervisor.items():
            lines.append(f"addr add {address}/{self._layout.length(name)} dev {name}")
        _ip(lines)

    def attach(self, addresses: Mapping[str, Mapping[str, str]]) -> None:
        """Make the network namespaces of processes, each with an end in each of its networks. `addresses` are
        by name and network.
        """
        with self._lock:
            made: dict[str, int] = {}
            try:
                for name, own in addresses.items():
                    made[name] = self._make(name, own)
                self._join(made, addresses)
            except OSError:
                # With a namespace its ends are gone: those of the next try have the same addresses.
                for name, namespace in made.items():
                    os.close(namespace)
                    del self._ends[name]
                raise
            self._namespaces.update(made)

    def namespace(self, name: str) -> int:
        """Return a descriptor of the network namespace of a process that was attached."""
        return self._namespaces[name]

    def set_plugged(self, name: str, plugged: bool) -> None:
        """Set the ends of a process in networks under test up or down: packets are then lost."""
        state = "up" if plugged else "down"
        with self._lock:
            ends = self._ends.get(name, {})
            _ip([f"link set {ends[one]} {state}" for one in self._layout.under_test if one in ends])

    def remove(self, names: Sequence[str]) -> None:
        """Remove the ends of processes. A namespace ends with its last process."""
        with self._lock:
            ends = [end for name in names for end in self._ends.pop(name, {}).values()]
            namespaces = [self._namespaces.pop(name) for name in names if name in self._namespaces]
            for name in names:
                self._clients.pop(name, None)
            if ends:
                # As a group: the kernel waits once for all, and not for each.
                _ip([*(f"link set {end} group {LEAVING}" for end in ends), f"link del group {LEAVING}"])
            for namespace in namespaces:
                os.close(namespace)

    def _make(self, name: str, addresses: Mapping[str, str]) -> int:
        ends = {}
        for network in addresses:
            self._count += 1
            ends[network] = f"end{self._count}"
        # Only this thread enters the new namespace.
        linux.unshare(linux.CLONE_NEWNET)
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _configure_end()
            _ip(inside_lines(addresses, ends, self._home_pid, self._layout))
        except OSError:
            os.close(namespace)
            raise
        finally:
            linux.setns(self._home, linux.CLONE_NEWNET)
        self._ends[name] = ends
        return namespace

    def _join(self, made: Mapping[str, int], addresses: Mapping[str, Mapping[str, str]]) -> None:
        """Join the ends of new processes to their bridges, and make them and Toxiproxy neighbours."""
        lines = [
            bridge_lines(network, address, self._ends[name][network])
            for name in made
            for network, address in addresses[name].items()
        ]
        _ip([line for of_one in lines for line in of_one])
        clients = {
            name: addresses[name][LINKS]
            for name in made
            if is_client(LINKS, addresses[name].get(LINKS, TOXIPROXY_LINKS))
        }
        self._clients.update(clients)
        toxiproxy = made.get(TOXIPROXY, self._namespaces.get(TOXIPROXY))
        if toxiproxy is None:
            return
        new = self._clients if TOXIPROXY in made else clients
        linux.setns(toxiproxy, linux.CLONE_NEWNET)
        try:
            _ip([neighbour_line(address) for address in new.values()])
        finally:
            linux.setns(self._home, linux.CLONE_NEWNET)


def inside_lines(
    addresses: Mapping[str, str], ends: Mapping[str, str], home_pid: int, layout: NetworkLayout = LAYOUT
) -> list[str]:
    """Return the commands of `ip` in the namespace of a process with these addresses, by network.

    The other ends of its interfaces are in the namespace of the process `home_pid`.
    """
    lines = ["link set lo up"]
    for network, address in addresses.items():
        mac = hardware_address(address)
        peer = f"peer name {ends[network]} netns {home_pid}"
        lines.append(f"link add {network} address {mac} type veth {peer}")
        if is_client(network, address):
            lines += [
                f"addr add {address}/32 dev {network}",
                f"link set {network} up",
                f"route add {TOXIPROXY_LINKS}/32 dev {network}",
                neighbour_line(TOXIPROXY_LINKS),
            ]
        else:
            lines += [
                f"addr add {address}/{layout.length(network)} dev {network}",
                f"link set {network} up",
            ]
    return lines


def bridge_lines(network: str, address: str, end: str) -> list[str]:
    """Return the commands of `ip` that join the other end of an interface to the bridge of its network."""
    lines = [f"link set {end} master {network}", f"link set {end} up"]
    if is_client(network, address):
        lines.insert(1, f"link set {end} type bridge_slave isolated on")
    return lines


def neighbour_line(address: str) -> str:
    """Return the command of `ip` that enters an address of `links` in the table of neighbours for good."""
    return f"neigh replace {address} lladdr {hardware_address(address)} dev {LINKS} nud permanent"


def is_client(network: str, address: str) -> bool:
    """Return whether an end is a client of `links`, which reaches Toxiproxy's address alone."""
    return network == LINKS and address != TOXIPROXY_LINKS


def client_address(number: int) -> str:
    """Return the address of client `number` (from 1) in `links`; 0 is the prober's."""
    assert number >= 0
    return str(ipaddress.IPv4Network(SUBNETS[LINKS])[FIRST_CLIENT - 1 + number])


def hardware_address(address: str) -> str:
    """Return an interface's hardware address, the same for an address after each start: neighbours keep
    it.
    """
    return ":".join(["02", "42", *(f"{int(one):02x}" for one in address.split("."))])


def _disable_ipv6() -> None:
    """Give new interfaces no address of IPv6, through which processes could reach one another."""
    # A kernel without IPv6 has no such files.
    with suppress(FileNotFoundError):
        for which in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")


def _configure_end() -> None:
    """Set this namespace up as that of one process: each interface answers for its own address alone and not
    for those of others, no packet is passed on, and every process may listen on ports below 1024.
    """
    _disable_ipv6()
    for which in ("all", "default"):
        _set(f"conf/{which}/arp_ignore", "1")
    _set(FORWARD, "0")
    _set("ip_unprivileged_port_start", "0")


def _set(parameter: str, value: str) -> None:
    """Set a parameter of IPv4 of this namespace."""
    Path(f"/proc/sys/net/ipv4/{parameter}").write_text(value)


def _ip(lines: Sequence[str]) -> None:
    if not lines:
        return
    try:
        done = subprocess.run(
            [IP_PROGRAM, "-batch", "-"],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=IP_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise OSError(0, f"`ip` gave no answer within {IP_TIMEOUT_S:g} s") from None
    if done.returncode:
        raise OSError(0, f"`ip` failed: {done.stderr.strip()[:500]}")
