"""Runs a scenario and does things to its lab at points of its timeline that the driver did not ask for."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.e2e.conftest import CommandLine, docker
from tests.waiting import eventually_in_thread

BEGINS_WITHIN_S = 150.0
ENDS_WITHIN_S = 240.0
POLL_S = 0.05


@dataclass
class Sabotage:
    """One run that is under way. Faults go by the `id` of their entry in the timeline."""

    line: CommandLine
    process: subprocess.Popen[str]

    def at(self, fault: str, after_s: float) -> None:
        """Return so long after a fault began."""
        due_ns = self._begun_ns(fault) + round(after_s * 1e9)
        time.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))

    def container(self, name: str) -> str:
        """What Docker calls a container of the lab."""
        return f"{self.line.project}-{name if '-' in name else f'{name}-1'}"

    def network(self, name: str) -> str:
        """What Docker calls a network of the lab."""
        return f"{self.line.project}_{name}"

    def docker(self, *words: str) -> None:
        """Do something with the docker client; it must succeed."""
        docker(*words)

    def toxics(self, link: str) -> list[dict[str, Any]]:
        """The toxics on a link, from the stock API."""
        return list(self._toxiproxy("GET", f"/proxies/{link}/toxics"))

    def take_away(self, link: str, kind: str) -> None:
        """Remove the toxics of one kind from a link, through the stock API."""
        for toxic in self.toxics(link):
            if toxic["type"] == kind:
                self._toxiproxy("DELETE", f"/proxies/{link}/toxics/{toxic['name']}")

    def put_on(self, link: str, kind: str, stream: str, **attributes: Any) -> None:
        """Add a toxic to a link, through the stock API."""
        body = {"name": f"by-hand-{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}
        self._toxiproxy("POST", f"/proxies/{link}/toxics", body)

    def signal(self, number: int) -> None:
        """Send the driver a signal."""
        os.kill(self.process.pid, number)

    def ended(self) -> Ended:
        """Wait for the run's end, and read what it says."""
        said, _ = self.process.communicate(timeout=ENDS_WITHIN_S)
        found = self.line.verdict()
        return Ended(
            code=self.process.returncode,
            said=said,
            verdict=found["verdict"],
            findings={one["check"]: one for one in found["findings"]},
            receipts={one["fault"]: one for one in self._events() if one["event"] == "receipt"},
        )

    def _begun_ns(self, fault: str) -> int:
        def begun_ns() -> int | None:
            for event in self._events():
                if event["event"] == "fault_begun" and event["fault"] == fault:
                    return int(event["at_ns"])
            if self.process.poll() is not None:
                said, _ = self.process.communicate(timeout=10)
                raise AssertionError(f"the run ended before {fault} began:\n{said}")
            return None

        return eventually_in_thread(begun_ns, f"the begin of {fault}", BEGINS_WITHIN_S, POLL_S)

    def _events(self) -> list[dict[str, Any]]:
        path = self.line.results / "latest" / "journals" / "driver.jsonl"
        if not path.exists():
            return []
        # The last line may be half written.
        return [json.loads(one) for one in path.read_bytes().split(b"\n")[:-1] if b'"event"' in one]

    def _toxiproxy(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"http://127.0.0.1:{self.line.port}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@dataclass(frozen=True)
class Ended:
    """What a run that was sabotaged came to; `findings` by check, `receipts` by fault."""

    code: int
    said: str
    verdict: str
    findings: dict[str, dict[str, Any]]
    receipts: dict[str, dict[str, Any]]

    def because(self, check: str, status: str) -> str:
        """The sentence of a finding, which must have this status."""
        finding = self.findings[check]
        assert finding["status"] == status, finding
        return str(finding["because"])

    def unproved_because(self, fault: str) -> str:
        """Why a fault is not proved; it must not be."""
        receipt = self.receipts[fault]
        assert not receipt["proved"], receipt
        return str(receipt["because"])

    def assert_proved(self, fault: str) -> None:
        """A fault that was not touched must be proved."""
        receipt = self.receipts[fault]
        assert receipt["proved"], receipt["because"]


def sabotaged(line: CommandLine, folder: Path, scenario: str) -> Sabotage:
    """Start a run of a scenario that is given as text."""
    path = folder / "sabotaged.yaml"
    path.write_text(scenario)
    return Sabotage(line, line.started("scenario", str(path), "--seed", "7"))
