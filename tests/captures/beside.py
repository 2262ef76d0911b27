"""Captures beside a run: a tap in Toxiproxy's own network namespace, and workers' limits by their cgroups."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

TAP = Path(__file__).with_name("tap.py")
PACKETS = "packets"
POLL_S = 0.2
UP_WITHIN_S = 240.0
T = TypeVar("T")
_V1 = {"cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us"), "memory": ("memory.limit_in_bytes",)}


class Beside(threading.Thread):
    """Waits for a project's containers, captures until `finish`, and keeps what it found in `folder`."""

    def __init__(self, project: str, workers: int, limited: list[str], folder: Path) -> None:
        super().__init__(daemon=True)
        self.file = folder / PACKETS
        self.prober = 0
        self.limits: dict[str, list[tuple[int, float, int]]] = {}
        self.trouble = ""
        self._project, self._workers, self._limited = project, workers, limited
        self._over = threading.Event()
        self._tap: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        try:
            self._capture()
        except (OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
            self.trouble = f"{type(error).__name__}: {error}"

    def finish(self) -> None:
        """End the capture; returns when its file is whole."""
        self._over.set()
        self.join(30)
        if self._tap is not None:
            self._tap.terminate()
            self._tap.wait(30)

    def _capture(self) -> None:
        pid = self._until(lambda: self._pids().get("toxiproxy"))
        command = ["nsenter", "--net", "--target", str(pid), sys.executable, str(TAP), str(self.file)]
        self._tap = subprocess.Popen(command)
        whole = self._until(self._fleet)
        folders = {name: _cgroups(whole[name]) for name in self._limited}
        while not self._over.wait(POLL_S):
            for name, files in folders.items():
                if (limit := _read(files)) is not None:
                    self.limits.setdefault(name, []).append((time.monotonic_ns(), *limit))

    def _until(self, ask: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + UP_WITHIN_S
        while not (found := ask()):
            if time.monotonic() > deadline or self._over.wait(POLL_S):
                raise ValueError("the lab's containers did not come up")
        return found

    def _inspect(self) -> list[dict[str, Any]]:
        label = f"label=com.docker.compose.project={self._project}"
        ids = subprocess.run(
            ["docker", "ps", "-q", "--no-trunc", "--filter", label],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if not ids:
            return []
        done = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False)
        return list(json.loads(done.stdout or "[]"))

    def _pids(self) -> dict[str, int]:
        found = {}
        for one in self._inspect():
            name = one["Config"]["Labels"]["com.docker.compose.service"]
            found[name] = int(one["State"]["Pid"])
        return found

    def _fleet(self) -> dict[str, str]:
        """Worker → its container's id; empty until all are there, and the prober."""
        found = {}
        for one in self._inspect():
            labels = one["Config"]["Labels"]
            service, number = (
                labels["com.docker.compose.service"],
                labels["com.docker.compose.container-number"],
            )
            if service == "worker":
                found[f"worker-{number}"] = str(one["Id"])
            elif service == "prober":
                self.prober = _links_address(one)
        return found if len(found) == self._workers and self.prober else {}


def _links_address(container: dict[str, Any]) -> int:
    """Its address on the network of links; 0 where it has none yet."""
    for network, settings in container["NetworkSettings"]["Networks"].items():
        if network.endswith("_links") and settings["IPAddress"]:
            (address,) = struct.unpack(">I", socket.inet_aton(settings["IPAddress"]))
            return int(address)
    return 0


def _cgroups(container: str) -> dict[str, Path]:
    """A container's limit files, by name, of either version of cgroups."""
    root = Path("/sys/fs/cgroup")
    wanted = ("cpu.max", "memory.max", *_V1["cpu"], *_V1["memory"])
    return {path.name: path for name in wanted for path in root.glob(f"**/*{container}*/{name}")}


def _read(files: dict[str, Path]) -> tuple[float, int] | None:
    """Cores and bytes that it may use; None where the files are gone, as between two lives."""
    try:
        text = {name: path.read_text().split() for name, path in files.items()}
    except OSError:
        return None
    if "cpu.max" in text:
        quota, period = text["cpu.max"]
        memory = text["memory.max"][0]
        return (-1.0 if quota == "max" else int(quota) / int(period)), (
            -1 if memory == "max" else int(memory)
        )
    if "cpu.cfs_quota_us" not in text or "memory.limit_in_bytes" not in text:
        return None
    quota_us, period_us = (int(text[name][0]) for name in _V1["cpu"])
    return quota_us / period_us, int(text["memory.limit_in_bytes"][0])
