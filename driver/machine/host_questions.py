"""The doctor's questions about the machine under Docker."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

from driver.machine.answer import NOT_ASKED, Answer, Patient, Status
from driver.machine.root import working_root
from driver.machine.shell import ask

GIB = 1024**3
ENOUGH_DISK_BYTES = 5 * GIB
ENOUGH_MEMORY_BYTES = 4 * GIB
# The coordinator and Toxiproxy hold a few descriptors for each worker; the lab is made for hundreds.
ENOUGH_OPEN_FILES = 4096
DOCKER_MTU = 1500


def disk_space(patient: Patient) -> Answer:
    folder = Path(str(patient.info.get("DockerRootDir", "")) or "/")
    if not folder.exists():
        folder = working_root()
    free = shutil.disk_usage(folder).free
    return Answer(
        "disk space",
        Status.OK if free >= ENOUGH_DISK_BYTES else Status.WARN,
        f"{free / GIB:.0f} GiB free under {folder}",
        f"images and results need about {ENOUGH_DISK_BYTES // GIB} GiB; free some",
    )


def memory(patient: Patient) -> Answer:
    total = patient.info.get("MemTotal")
    if not isinstance(total, int) or total <= 0:
        return Answer("memory", Status.WARN, NOT_ASKED)
    return Answer(
        "memory",
        Status.OK if total >= ENOUGH_MEMORY_BYTES else Status.WARN,
        f"{total / GIB:.0f} GiB at the engine",
        "fine for tens of workers; give the engine 4 GiB for hundreds",
    )


def open_files(_: Patient) -> Answer:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Answer(
        "open files",
        Status.OK if hard >= ENOUGH_OPEN_FILES else Status.WARN,
        f"limit {soft}, at most {hard}",
        f"raise the hard limit to {ENOUGH_OPEN_FILES} or more (ulimit -Hn) for hundreds of workers",
    )


def firewall(_: Patient) -> Answer:
    nft = ask(["iptables-nft", "-S", "FORWARD"])
    # Asking iptables-legacy would load its tables into a kernel that has none.
    legacy = ask(["iptables-legacy", "-S"]) if _has_legacy_tables(Path("/proc/net/ip_tables_names")) else None
    if not nft.ok and legacy is None:
        return Answer("iptables", Status.OK, "not to be read here (no root, or no iptables)")
    return firewall_answer(nft.text if nft.ok else "", legacy.text if legacy and legacy.ok else "")


def firewall_answer(nft_forward: str, legacy_rules: str) -> Answer:
    """From `iptables-nft -S FORWARD` and `iptables-legacy -S`: do Docker's rules stand in one table alone?

    Both tables see every packet, so a DROP policy left in one drops what Docker accepts in the other.
    """
    name = "iptables"
    nft_docker, legacy_docker = "DOCKER" in nft_forward, "DOCKER" in legacy_rules
    dropped = "traffic between containers is dropped silently. Run"
    if "-P FORWARD DROP" in nft_forward and not nft_docker and legacy_docker:
        cure = f"{dropped} `iptables-nft -P FORWARD ACCEPT`, and keep to one of the two"
        return Answer(name, Status.BAD, "Docker's rules are in legacy, a FORWARD DROP is left in nft", cure)
    if "-P FORWARD DROP" in legacy_rules and not legacy_docker and nft_docker:
        cure = f"{dropped} `iptables-legacy -P FORWARD ACCEPT`, and keep to one of the two"
        return Answer(name, Status.BAD, "Docker's rules are in nft, a FORWARD DROP is left in legacy", cure)
    if nft_docker and legacy_docker:
        cure = "a packet must pass both. Keep iptables on nft, and restart Docker or the machine"
        return Answer(name, Status.WARN, "Docker's rules are in both nft and legacy", cure)
    table = "nft" if nft_docker else "legacy" if legacy_docker else "neither nft nor legacy"
    return Answer(name, Status.OK, f"Docker's rules are in {table}")


def network_mtu(_: Patient) -> Answer:
    smallest = min(outside_mtus(Path("/sys/class/net"), Path("/proc/net/route")), default=DOCKER_MTU)
    if smallest >= DOCKER_MTU:
        return Answer("network MTU", Status.OK, str(smallest))
    found = f"{smallest}, smaller than Docker's {DOCKER_MTU}; builds use the host's network, so nothing to do"
    return Answer("network MTU", Status.OK, found)


def _has_legacy_tables(names: Path) -> bool:
    try:
        return bool(names.read_text().strip())
    except OSError:
        return False


def outside_mtus(net: Path, route: Path) -> list[int]:
    """MTUs of the interfaces that hold a default route, from Linux's own tables; empty elsewhere."""
    try:
        rows = [line.split() for line in route.read_text().splitlines()[1:]]
        names = {row[0] for row in rows if len(row) > 1 and row[1] == "00000000"}
        return [int((net / name / "mtu").read_text()) for name in sorted(names)]
    except (OSError, ValueError):
        return []
