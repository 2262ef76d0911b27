"""Further workers are copies of the first, each with a journal folder that no other has."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any, cast

import pytest

from driver.engines.compose_clients import SETTINGS, ComposeClients, replica
from driver.engines.container_texts import NUMBER, PROJECT, SERVICE
from driver.engines.docker_sdk import DockerSdk
from driver.engines.engine import Container
from driver.engines.labelled_containers import journal_in_archive


def template(**volumes: object) -> dict[str, Any]:
    labels = {PROJECT: "lab", SERVICE: "worker", NUMBER: "1", SETTINGS: "aa"}
    labels |= {"stormlab.memory": "128m", "stormlab.cpu_quota": "100000"}
    return {
        "Name": "/lab-worker-1",
        "Config": {"Hostname": "f5ec", "Image": "w", "Labels": labels, "User": "10001:10001", **volumes},
        "HostConfig": {
            "Binds": ["/runs/1/worker-1:/journal:rw", "/else:/else:ro"],
            "ReadonlyRootfs": True,
            "CpuQuota": 100_000,
            "Memory": 128 << 20,
        },
        "NetworkSettings": {"Networks": {"lab_links": {"Aliases": ["lab-worker-1", "worker"]}}},
    }


class Sdk:
    """Containers by name; what is made and removed."""

    def __init__(self, *indexes: int) -> None:
        self.indexes = list(indexes)
        self.made: dict[str, dict[str, Any]] = {}
        self.removed: list[str] = []
        self.by_hand: list[int] = []
        self.listed = 0

    def summaries(self) -> list[dict[str, Any]]:
        self.listed += 1
        labels = template()["Config"]["Labels"]
        return [
            {
                "Labels": {**labels, NUMBER: str(n), SETTINGS: "" if n in self.by_hand else "aa"},
                **{"Id": str(n), "Image": "w", "State": "running", "Status": "Up"},
            }
            for n in self.indexes
        ]

    def inspect(self, name: str) -> dict[str, Any]:
        return template()

    def create(self, name: str, settings: dict[str, Any]) -> None:
        self.made[name] = settings

    def call(self, name: str, request: object) -> None:
        return None

    def remove(self, one: Container) -> None:
        self.removed.append(one.name)
        self.indexes.remove(int(one.id))

    def create_first(self) -> None:
        self.indexes.append(1)


def made(sdk: Sdk, workers: int, journals: Path, settings: str = "aa") -> Sdk:
    ComposeClients(cast(DockerSdk, sdk), sdk.create_first, settings).create(workers, journals)
    return sdk


def test_no_two_workers_have_the_same_journal_folder(tmp_path: Path) -> None:
    sdk = made(Sdk(), 4, tmp_path)
    binds = {name: body["HostConfig"]["Binds"] for name, body in sdk.made.items()}
    assert binds == {
        f"lab-worker-{n}": ["/else:/else:ro", f"{tmp_path}/worker-{n}:/journal:rw"] for n in (2, 3, 4)
    }
    assert all((tmp_path / f"worker-{n}").stat().st_mode & 0o777 == 0o777 for n in (2, 3, 4))


def test_a_copy_is_the_first_worker_in_all_but_number_journal_and_host_name() -> None:
    name, body = replica(template(), 7, Path("/runs/1/worker-7"))
    assert name == "lab-worker-7"
    assert body["Labels"] == {**template()["Config"]["Labels"], NUMBER: "7"}
    assert (body["User"], body["HostConfig"]["ReadonlyRootfs"]) == ("10001:10001", True)
    assert "Hostname" not in body
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "lab_links": {"Aliases": ["worker", "lab-worker-7"]}
    }


def test_each_copy_is_given_its_number() -> None:
    found = template(Env=["STORMLAB_KEY=ab", "WORKER_INDEX=1"])
    _, body = replica(found, 7, Path("/runs/1/worker-7"))
    assert body["Env"] == ["STORMLAB_KEY=ab", "WORKER_INDEX=7"]
    assert replica(template(), 7, Path("/runs/1/worker-7"))[1]["Env"] == ["WORKER_INDEX=7"]


def test_a_copy_has_the_limits_of_its_kind_and_not_those_of_a_fault_on_the_first_worker() -> None:
    found = template()
    found["HostConfig"] |= {"CpuQuota": 5_000, "Memory": 64 << 20, "MemorySwap": 64 << 20}
    _, body = replica(found, 7, Path("/runs/1/worker-7"))
    host = body["HostConfig"]
    assert (host["CpuPeriod"], host["CpuQuota"]) == (100_000, 100_000)
    # 0: the engine's own choice.
    assert (host["Memory"], host["MemorySwap"]) == (128 << 20, 0)


def test_where_no_files_are_shared_each_copy_has_a_volume_of_its_own() -> None:
    _, body = replica(template(Volumes={"/journal": {}}), 7, None)
    assert body["HostConfig"]["Binds"] == ["/else:/else:ro"]
    assert body["Volumes"] == {"/journal": {}}


def test_an_unnamed_volume_as_compose_writes_it_is_a_new_one_for_each_copy() -> None:
    found = template()
    found["HostConfig"] |= {"Binds": None, "Mounts": [{"Type": "volume", "Target": "/journal"}]}
    _, body = replica(found, 7, None)
    assert body["HostConfig"]["Mounts"] == [{"Type": "volume", "Target": "/journal"}]


def test_a_named_volume_is_never_shared_with_a_copy() -> None:
    found = template()
    found["HostConfig"] |= {
        "Binds": None, "Mounts": [{"Type": "volume", "Target": "/journal", "Source": "all"}],
    }  # fmt: skip
    with pytest.raises(AssertionError):
        replica(found, 7, None)


def test_a_lab_is_scaled_by_what_is_missing_or_too_many(tmp_path: Path) -> None:
    assert list(made(Sdk(1, 2), 3, tmp_path).made) == ["lab-worker-3"]
    assert made(Sdk(1, 2, 3), 1, tmp_path).removed == ["worker-2", "worker-3"]


def test_workers_of_other_settings_are_made_again(tmp_path: Path) -> None:
    sdk = made(Sdk(1, 2), 2, tmp_path, settings="bb")
    assert sdk.removed == ["worker-1", "worker-2"]
    assert list(sdk.made) == ["lab-worker-2"]


def test_replicas_that_compose_scaled_by_hand_are_made_again(tmp_path: Path) -> None:
    sdk = Sdk(1, 2, 3)
    sdk.by_hand = [3]
    assert made(sdk, 3, tmp_path).removed == ["worker-3"]
    assert list(sdk.made) == ["lab-worker-3"]


def test_existing_workers_are_listed_once(tmp_path: Path) -> None:
    assert made(Sdk(1, 2), 3, tmp_path).listed == 1


def test_of_a_containers_folder_only_its_journal_is_taken() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, kind in (
            ("journal", tarfile.DIRTYPE), ("journal/worker-3.jsonl", tarfile.REGTYPE),
            ("journal/coordinator.jsonl", tarfile.REGTYPE), ("journal/zz.jsonl", tarfile.SYMTYPE),
            ("journal/pipe", tarfile.FIFOTYPE),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    journal, others = journal_in_archive(packed.getvalue(), "worker-3.jsonl")
    assert journal == b""
    assert [other.split()[0] for other in others] == [
        "'journal/coordinator.jsonl'", "'journal/zz.jsonl'", "'journal/pipe'",
    ]  # fmt: skip
