"""The doctor's question about the ports that the lab publishes: free, or taken, and by whom."""

from __future__ import annotations

from driver.engines.addresses import is_free, process_on
from driver.machine.answer import Answer, Patient, Status
from driver.machine.shell import ask


def published_ports(patient: Patient) -> Answer:
    wanted = ", ".join(str(port) for _, port in patient.ports)
    taken = {port: holder(port) for host, port in patient.ports if not is_free(host, port)}
    if not taken:
        return Answer("ports", Status.OK, f"{wanted} free")
    found = "; ".join(f"{port} is taken by {who}" for port, who in taken.items())
    cure = "if that is not this lab, stop it, or publish elsewhere with --port"
    return Answer("ports", Status.WARN, found, cure)


def holder(port: int) -> str:
    """Who listens on a port of this machine: the container Docker published it for, else the process."""
    published = ask(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"])
    if published.ok and published.text:
        return f"container {published.text.splitlines()[0]}"
    return process_on(port) or "a process that this user may not see"
