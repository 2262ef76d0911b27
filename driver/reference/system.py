"""The reference system, described as any system is: its services, their replicas, and its links. Pure."""

from __future__ import annotations

from chaos.prober.settings import TOXIPROXY, ProbedLink
from driver.systems.system import ServicePair, System, SystemLink, SystemService
from wire.address import link_port, worker_name

COORDINATOR, WORKER = "coordinator", "worker"
PORT = 8765
"""On which the coordinator listens for workers."""


def reference_system(workers: int) -> System:
    """Return the system with that many workers, each of which connects to the coordinator."""
    return System(
        "reference",
        (SystemService(COORDINATOR, ports=(PORT,)), SystemService(WORKER, replicas=workers)),
        (ServicePair(WORKER, COORDINATOR, PORT),),
    )


def link_name(link: SystemLink) -> str:
    """Return what journals call a link: its worker's name, since each worker has one link."""
    return worker_name(link.replica)


def link_names(system: System) -> list[str]:
    """Return the names of all links, in the order of the workers' numbers."""
    return [link_name(link) for link in system.links()]


def worker_links(workers: int) -> tuple[ProbedLink, ...]:
    """Return the links of a fleet, as the prober observes them: each has a port of its own at Toxiproxy."""
    return tuple(
        ProbedLink(link_name(link), TOXIPROXY, link_port(link.replica))
        for link in reference_system(workers).links()
    )
