"""The generated Compose file of a system's prober, and what a door has for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chaos.prober.settings import ProberSettings
from driver.systems.compose_config import LAB_PREFIX, PREFIX

PROBER = "prober"
"""The prober's process, by which its journal is called."""
PROBER_SERVICE = f"{PREFIX}{PROBER}"
PROBER_NETWORK = f"{LAB_PREFIX}{PROBER}"
PROBE_PORT = 8475
"""Of each door, on the prober's network."""
FAR_END_PORT = 8476
"""Of the prober, where doors lead its connections."""
OWN_PROCESS: Mapping[str, object] = {
    "pull_policy": "never",
    "init": True,
    "restart": "no",
    "user": "10001:10001",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "pids_limit": 256,
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
}
"""Of each container of the lab's own."""
_JOURNAL = "/journal"


def journal_mount(journals: str, process: str) -> list[object]:
    """Return the volumes of a process of the lab: its own folder of journals, and no other's."""
    return [{"type": "bind", "source": f"{journals}/{process}", "target": _JOURNAL}]


def door_flags(probe_host: str, prober_host: str, process: str) -> list[str]:
    """Return the flags of a door that takes the prober's connections at `probe_host`, and has a journal."""
    far_end = f"{prober_host}:{FAR_END_PORT}"
    entry = ["-probe-listen", f"{probe_host}:{PROBE_PORT}", "-probe-upstream", far_end]
    return [*entry, "-journal", f"{_JOURNAL}/{process}.jsonl"]


def prober_document(
    image: str, project: str, prober_host: str, journals: str
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the Compose file of the prober alone, on the network that the system's file has made."""
    network: dict[str, object] = {"name": f"{project}_{PROBER_NETWORK}", "external": True}
    return {
        "services": {PROBER_SERVICE: prober_container(image, prober_host, journals)},
        "networks": {PROBER_NETWORK: network},
    }


def prober_container(image: str, prober_host: str, journals: str) -> dict[str, object]:
    """Return the prober's service. Its links come later, in a file beside its journal."""
    settings = ProberSettings(far_end_port=FAR_END_PORT)
    return {
        "image": image,
        "environment": {"STORMLAB_PROBER": msgspec.json.encode(settings).decode()},
        "networks": {PROBER_NETWORK: {"ipv4_address": prober_host}},
        "volumes": journal_mount(journals, PROBER),
        **OWN_PROCESS,
        "read_only": True,
        "tmpfs": ["/tmp:size=64m,mode=1777"],
        "mem_limit": "256m",
    }
