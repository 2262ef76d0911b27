"""Creates clients: Compose creates the first, the others are copies with their own number and journal.

`docker compose up --scale` gives all replicas one journal mount, so that each could write the others'
journals. Copies have Compose's labels, so `docker compose ps`, `logs` and `kill` include them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from chaos.targets import CLIENT, client_name, client_number
from driver.engines import docker_answers
from driver.engines.compose_environment import JOURNAL_TARGET
from driver.engines.container_texts import NUMBER, PROJECT, SERVICE
from driver.engines.docker_answers import CPU_PERIOD_US, created_limits
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Container

SETTINGS = "stormlab.settings"
INDEX = "WORKER_INDEX"
"""The variable with a client's number."""
THREADS = 8
STOP_GRACE_S = 12

T = TypeVar("T")
R = TypeVar("R")


class ComposeClients:
    """The clients of one project.

    `create_first` has Compose create `worker-1`, with the digest `settings` in its label.
    """

    def __init__(self, sdk: DockerSdk, create_first: Callable[[], None], settings: str) -> None:
        self._sdk = sdk
        self._create_first = create_first
        self._settings = settings

    def create(self, clients: int, journals: Path | None) -> None:
        """Create exactly `worker-1` to `worker-N`, and start none. Raises EngineError.

        Clients with the right settings remain. Replicas of `docker compose up --scale` share the first
        client's journal: they have no such label, and are replaced.
        """
        assert clients > 0
        listed = self._listed()
        self._remove([one for one, settings in listed if settings != self._settings])
        existing = [one for one, settings in listed if settings == self._settings]
        if not existing:
            self._create_first()
            existing = [one for one, _ in self._listed()]
        template = self._sdk.inspect(existing[0].name)
        self._remove([one for one in existing if client_number(one.name) > clients])
        have = {one.name for one in existing}
        missing = [index for index in range(1, clients + 1) if client_name(index) not in have]
        in_parallel(lambda index: self._copy(template, index, journals), missing)

    def _listed(self) -> list[tuple[Container, str]]:
        """Return the clients in the order of their numbers, each with the digest in its label."""
        found = [
            (docker_answers.container(one), one["Labels"].get(SETTINGS, "")) for one in self._sdk.summaries()
        ]
        clients = [pair for pair in found if pair[0].service == CLIENT]
        return sorted(clients, key=lambda pair: docker_answers.sort_key(pair[0]))

    def _copy(self, template: Mapping[str, Any], index: int, journals: Path | None) -> None:
        folder = None if journals is None else make_journal_folder(journals, client_name(index))
        self._sdk.create(*replica(template, index, folder))

    def _remove(self, clients: Sequence[Container]) -> None:
        in_parallel(
            lambda one: self._sdk.call(one.name, lambda api, found: api.stop(found, timeout=STOP_GRACE_S)),
            clients,
        )
        in_parallel(self._sdk.remove, clients)


def replica(template: Mapping[str, Any], index: int, journal: Path | None) -> tuple[str, dict[str, Any]]:
    """Return name and body of `POST /containers/create` for a copy of a container.

    `template` is the container's details, `index` the copy's number, and `journal` its folder on this
    machine; None: a volume of the copy's own, as the template has one.
    """
    config, host = dict(template["Config"]), dict(template["HostConfig"])
    labels = {**config["Labels"], NUMBER: str(index)}
    name = f"{labels[PROJECT]}-{labels[SERVICE]}-{index}"
    others = [line for line in config.get("Env") or [] if not line.startswith(f"{INDEX}=")]
    config["Env"] = [*others, f"{INDEX}={index}"]
    # It is the template's own id.
    del config["Hostname"]
    # A fault may have changed the template's limits at this moment.
    limits = created_limits(labels)
    host |= {"Memory": limits.memory_bytes, "MemorySwap": 0}
    host |= {"CpuPeriod": CPU_PERIOD_US, "CpuQuota": round((limits.cpus or 0) * CPU_PERIOD_US)}
    binds = [bind for bind in host.get("Binds") or [] if bind.split(":")[1] != JOURNAL_TARGET]
    host["Binds"] = binds if journal is None else [*binds, f"{journal}:{JOURNAL_TARGET}:rw"]
    assert journal is not None or _has_own_volume(config, host), f"no volume at {JOURNAL_TARGET} to copy"
    ends = {
        network: {"Aliases": [labels[SERVICE], name]} for network in template["NetworkSettings"]["Networks"]
    }
    return name, {
        **config, "Labels": labels, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": ends},
    }  # fmt: skip


def _has_own_volume(config: Mapping[str, Any], host: Mapping[str, Any]) -> bool:
    """Return whether each copy gets its own volume for its journal: an unnamed mount, or one of the image."""
    unnamed = {mount["Target"] for mount in host.get("Mounts") or [] if not mount.get("Source")}
    return JOURNAL_TARGET in unnamed | set(config.get("Volumes") or {})


def make_journal_folder(journals: Path, container: str) -> Path:
    """Return a container's own folder under `journals`, and create it where it is missing."""
    folder = journals / container
    folder.mkdir(parents=True, exist_ok=True)
    # The container's user has no known id on this host, and has no other folder mounted.
    folder.chmod(0o777)
    return folder


def in_parallel(call: Callable[[T], R], items: Iterable[T], threads: int = THREADS) -> list[R]:
    """Call `call` on all items, at most `threads` at a time; raise the first error once all have ended."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, items))
