"""Makes workers: Compose the first, each further one as its copy but for the number and the journal's mount.

`docker compose up --scale` gives all replicas the same mount, and each could write what the others say.
Copies carry Compose's labels: `docker compose ps`, `logs` and `kill` treat them as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from driver.engines.compose_reading import CPU_PERIOD_US, NUMBER, PROJECT, SERVICE, made_with, own_name
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import WORKER, Container
from wire.address import index_in_name, worker_name

JOURNAL_TARGET = "/journal"
SETTINGS = "stormlab.settings"
THREADS = 8
STOP_GRACE_S = 12

T = TypeVar("T")
R = TypeVar("R")


class ComposeWorkers:
    """The workers of one project. `first` has Compose make `worker-1`, labelled with its `settings`."""

    def __init__(self, sdk: DockerSdk, first: Callable[[], None], settings: str) -> None:
        self._sdk = sdk
        self._first = first
        self._settings = settings

    def make(self, workers: int, journals: Path | None) -> None:
        """Make exactly `worker-1` to `worker-N`, and start none; those that are as they should be stay.

        Replicas that `docker compose up --scale` made have the first worker's journal: they are made again.
        """
        assert workers > 0
        standing = self._standing()
        settings = self._settings_of_all()
        wrong = [one for one in standing if settings.get(one.name) != self._settings]
        self._remove(wrong)
        standing = [one for one in standing if one not in wrong]
        if not standing:
            self._first()
            standing = self._standing()
        template = self._sdk.inspect(standing[0].name)
        self._remove(one for one in standing if index_in_name(one.name) > workers)
        have = {one.name for one in standing}
        missing = [index for index in range(1, workers + 1) if worker_name(index) not in have]
        each(lambda index: self._copy(template, index, journals), missing)

    def _standing(self) -> list[Container]:
        return [one for one in self._sdk.containers() if one.service == WORKER]

    def _settings_of_all(self) -> dict[str, str]:
        rows = self._sdk.rows()
        return {own_name(row["Labels"]): row["Labels"].get(SETTINGS, "") for row in rows}

    def _copy(self, template: Mapping[str, Any], index: int, journals: Path | None) -> None:
        folder = None if journals is None else journal_mount(journals, worker_name(index))
        self._sdk.create(*copy_of(template, index, folder))

    def _remove(self, workers: Iterable[Container]) -> None:
        gone = list(workers)
        each(
            lambda one: self._sdk.ask(one.name, lambda api, found: api.stop(found, timeout=STOP_GRACE_S)),
            gone,
        )
        each(self._sdk.remove, gone)


def copy_of(template: Mapping[str, Any], index: int, journal: Path | None) -> tuple[str, dict[str, Any]]:
    """Name and settings of a container like `template` (its inspection), with another number and journal.

    `journal` is a folder of this machine; None: a volume of the container's own, as the template has one.
    """
    config, host = dict(template["Config"]), dict(template["HostConfig"])
    labels = {**config["Labels"], NUMBER: str(index)}
    name = f"{labels[PROJECT]}-{labels[SERVICE]}-{index}"
    # It is the template's own id.
    del config["Hostname"]
    # A fault may be on the template at this moment.
    made = made_with(labels)
    host |= {"Memory": made.memory_bytes, "MemorySwap": 0}
    host |= {"CpuPeriod": CPU_PERIOD_US, "CpuQuota": round((made.cpus or 0) * CPU_PERIOD_US)}
    binds = [bind for bind in host.get("Binds") or [] if bind.split(":")[1] != JOURNAL_TARGET]
    host["Binds"] = binds if journal is None else [*binds, f"{journal}:{JOURNAL_TARGET}:rw"]
    assert journal is not None or _keeps_its_own(config, host), f"no volume at {JOURNAL_TARGET} to copy"
    ends = {
        network: {"Aliases": [labels[SERVICE], name]} for network in template["NetworkSettings"]["Networks"]
    }
    return name, {
        **config, "Labels": labels, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": ends},
    }  # fmt: skip


def _keeps_its_own(config: Mapping[str, Any], host: Mapping[str, Any]) -> bool:
    """Whether each copy gets a new volume for its journal: a mount without a source, as Compose writes it, or
    a volume of the image.
    """
    unnamed = {mount["Target"] for mount in host.get("Mounts") or [] if not mount.get("Source")}
    return JOURNAL_TARGET in unnamed | set(config.get("Volumes") or {})


def journal_mount(journals: Path, process: str) -> Path:
    """A process's own folder under `journals`, made where it is not there."""
    folder = journals / process
    folder.mkdir(parents=True, exist_ok=True)
    # The containers' own user, whoever that is on this host, writes here, and into no other folder.
    folder.chmod(0o777)
    return folder


def each(call: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`call` on all items, several at a time; the first error is raised once all have ended."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, items))
