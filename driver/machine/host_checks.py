"""Checks of the host: disk, memory, open files, firewall, network, ports."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

from driver.host_ports import is_free, port_holder
from driver.machine.doctor_result import NOT_CHECKED, CheckResult, DoctorStatus, MachineContext
from driver.paths import working_root
from driver.subprocesses import ask

GIB = 1024**3
ENOUGH_DISK_BYTES = 5 * GIB
ENOUGH_MEMORY_BYTES = 4 * GIB
# The coordinator and Toxiproxy hold a few descriptors for each of hundreds of workers.
ENOUGH_OPEN_FILES = 4096
DOCKER_MTU = 1500


def disk_space(context: MachineContext) -> CheckResult:
    folder = Path(str(context.info.get("DockerRootDir", "")) or "/")
    if not folder.exists():
        folder = working_root()
    free = shutil.disk_usage(folder).free
    return CheckResult(
        "disk space",
        DoctorStatus.OK if free >= ENOUGH_DISK_BYTES else DoctorStatus.WARN,
        f"{free / GIB:.0f} GiB free under {folder}",
        f"images and results need about {ENOUGH_DISK_BYTES // GIB} GiB; free some",
    )


def memory(context: MachineContext) -> CheckResult:
    total = context.info.get("MemTotal")
    if not isinstance(total, int) or total <= 0:
        return CheckResult("memory", DoctorStatus.WARN, NOT_CHECKED)
    return CheckResult(
        "memory",
        DoctorStatus.OK if total >= ENOUGH_MEMORY_BYTES else DoctorStatus.WARN,
        f"{total / GIB:.0f} GiB at the engine",
        "fine for tens of workers; give the engine 4 GiB for hundreds",
    )


def open_files(_: MachineContext) -> CheckResult:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CheckResult(
        "open files",
        DoctorStatus.OK if hard >= ENOUGH_OPEN_FILES else DoctorStatus.WARN,
        f"limit {soft}, at most {hard}",
        f"raise the hard limit to {ENOUGH_OPEN_FILES} or more (ulimit -Hn) for hundreds of workers",
    )


def firewall(_: MachineContext) -> CheckResult:
    nft = ask(["iptables-nft", "-S", "FORWARD"])
    # Running iptables-legacy would load its tables into a kernel without them.
    legacy = ask(["iptables-legacy", "-S"]) if _has_legacy_tables(Path("/proc/net/ip_tables_names")) else None
    if not nft.ok and legacy is None:
        return CheckResult("iptables", DoctorStatus.OK, "not readable here (no root, or no iptables)")
    return firewall_answer(nft.text if nft.ok else "", legacy.text if legacy and legacy.ok else "")


def firewall_answer(nft_forward: str, legacy_rules: str) -> CheckResult:
    """Return whether Docker's rules are in one table alone, by `iptables-nft -S FORWARD` and
    `iptables-legacy -S`. Both tables filter every packet: a DROP policy in one drops what the other accepts.
    """
    name = "iptables"
    nft_docker, legacy_docker = "DOCKER" in nft_forward, "DOCKER" in legacy_rules
    dropped = "traffic between containers is dropped silently. Run"
    if "-P FORWARD DROP" in nft_forward and not nft_docker and legacy_docker:
        cure = f"{dropped} `iptables-nft -P FORWARD ACCEPT`, and keep to one of the two"
        return CheckResult(
            name, DoctorStatus.BAD, "Docker's rules are in legacy, a FORWARD DROP is left in nft", cure
        )
    if "-P FORWARD DROP" in legacy_rules and not legacy_docker and nft_docker:
        cure = f"{dropped} `iptables-legacy -P FORWARD ACCEPT`, and keep to one of the two"
        return CheckResult(
            name, DoctorStatus.BAD, "Docker's rules are in nft, a FORWARD DROP is left in legacy", cure
        )
    if nft_docker and legacy_docker:
        cure = "a packet must pass both. Keep iptables on nft, and restart Docker or the machine"
        return CheckResult(name, DoctorStatus.WARN, "Docker's rules are in both nft and legacy", cure)
    table = "nft" if nft_docker else "legacy" if legacy_docker else "neither nft nor legacy"
    return CheckResult(name, DoctorStatus.OK, f"Docker's rules are in {table}")


def network_mtu(_: MachineContext) -> CheckResult:
    smallest = min(outside_mtus(Path("/sys/class/net"), Path("/proc/net/route")), default=DOCKER_MTU)
    if smallest >= DOCKER_MTU:
        return CheckResult("network MTU", DoctorStatus.OK, str(smallest))
    found = f"{smallest}, smaller than Docker's {DOCKER_MTU}; builds use the host's network, nothing to do"
    return CheckResult("network MTU", DoctorStatus.OK, found)


def published_ports(context: MachineContext) -> CheckResult:
    wanted = ", ".join(str(port) for _, port in context.ports)
    taken = {port: port_holder(port) for host, port in context.ports if not is_free(host, port)}
    if not taken:
        return CheckResult("ports", DoctorStatus.OK, f"{wanted} free")
    found = "; ".join(f"{port} is taken by {process}" for port, process in taken.items())
    cure = "if that is not this lab, stop it, or publish elsewhere with --port"
    return CheckResult("ports", DoctorStatus.WARN, found, cure)


def _has_legacy_tables(names: Path) -> bool:
    try:
        return bool(names.read_text().strip())
    except OSError:
        return False


def outside_mtus(net: Path, route: Path) -> list[int]:
    """Return the MTUs of the interfaces with a default route, by Linux's own tables; empty elsewhere."""
    try:
        rows = [line.split() for line in route.read_text().splitlines()[1:]]
        names = {row[0] for row in rows if len(row) > 1 and row[1] == "00000000"}
        return [int((net / name / "mtu").read_text()) for name in sorted(names)]
    except (OSError, ValueError):
        return []
