"""An anchored fault strikes at the same byte a thousand times: python -m tests.anchored_faults

The shipped door, as its image has it, between real sockets. What a client sends comes in other pieces each
time, drawn by the repeat's number. A repeat counts where the server received exactly the bytes before the
anchor and then a reset, the client no byte of an answer to the anchored byte, and the door names the same.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.actuator import Injection, LinkAction, LinkEffect
from chaos.anchor import Anchor, AnchorPoint
from chaos.directions import Direction
from driver.cli.options import build_environment
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.labs.lab_actuator import fault_body
from driver.paths import project_root
from driver.report.text import escape_markdown
from driver.systems.door_api import DoorApi
from driver.systems.doors import Peer
from tests.proofs import commit, keep
from tests.waiting import eventually_in_thread

REPEATS = 1000
LIMIT_S = 10.0
SHOWN = 3
"""Repeats of one case that are printed where they are not the same."""
PAIR, HOST = "worker->db:5432", "127.0.0.1"
LINK = f"{PAIR}@{HOST}"
SQL = b"BEGIN; INSERT INTO orders VALUES (1, 'x'); COMMIT; SELECT 1; BEGIN; COMMIT; " + bytes(range(256)) * 3
GET = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
ANSWER = b"done"


def frame(payload: bytes, key: bytes = b"\x09\x08\x07\x06") -> bytes:
    """Return a short masked WebSocket frame, as a client sends it."""
    masked = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return bytes((0x82, 0x80 | len(payload))) + key + masked


FRAMES = frame(b"hello") + frame(b"a task") + frame(b"COMMIT") + frame(b"x" * 90)


@dataclass(frozen=True)
class Case:
    """An anchor, what the client sends once it is armed, and how many bytes of that the server receives."""

    point: AnchorPoint
    sends: bytes
    received: int
    is_websocket: bool = False

    @property
    def before(self) -> int:
        """The bytes of the connection that were sent before."""
        return len(GET) if self.is_websocket else 0


CASES = (
    Case(AnchorPoint(bytes=317), SQL, 317),
    Case(AnchorPoint(bytes=317, before=True), SQL, 316),
    Case(AnchorPoint(pattern="COMMIT"), SQL, SQL.index(b"COMMIT") + 6),
    Case(AnchorPoint(pattern="COMMIT", occurrence=2, before=True), SQL, SQL.rindex(b"COMMIT") + 5),
    Case(AnchorPoint(frame=3), FRAMES, 11 + 12 + 12, is_websocket=True),
    Case(AnchorPoint(frame=3, before=True), FRAMES, 11 + 12, is_websocket=True),
    Case(AnchorPoint(pattern="COMMIT", direction=Direction.to_server), FRAMES, 35, is_websocket=True),
    Case(AnchorPoint(response=1, before=True), b"query", 5),
)


def main() -> int:
    """Run every case, and return 0 where each repeat struck at the same byte."""
    parser = argparse.ArgumentParser(prog="python -m tests.anchored_faults", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--write", action="store_true", help="keep the result in docs/proofs.md")
    given = parser.parse_args()
    of = commit()
    with tempfile.TemporaryDirectory() as name, door(Path(name)) as found:
        same = {case: _same(found, case, given.repeats) for case in CASES}
        recorded = _recorded(found.journal, given.repeats * len(CASES))
    missing = [case.point.text(PAIR) for case, count in same.items() if count < given.repeats]
    print("every repeat struck at the same byte" if not missing else f"not the same byte: {missing}")
    if len(recorded) != given.repeats * len(CASES):
        print(f"the journal has {len(recorded)} strikes; expected {given.repeats * len(CASES)}")
        return 1
    if given.write and not missing:
        keep("anchors", as_markdown(same, given.repeats), of)
    return 1 if missing else 0


def as_markdown(same: Mapping[Case, int], repeats: int) -> str:
    """Return the section of the page."""
    lines = [
        f"A reset anchored on one link of the shipped door, {repeats:,} connections each, what the client "
        "sends cut into other pieces each time. It counts where the server received exactly the bytes before "
        "the anchor and then RST, the client no answer to the anchored byte, and the door names "
        "that byte. The door's journal has every strike.",
        "",
        "| anchor | bytes that the server received | the same |",
        "|---|---|---|",
    ]
    for case, count in same.items():
        what = escape_markdown(case.point.text(PAIR)) + (", WebSocket" if case.is_websocket else "")
        lines.append(f"| {what} | {case.before + case.received} | {count:,} of {repeats:,} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Door:
    """A running door, the server behind it, and its journal."""

    api: DoorApi
    port: int
    server: socket.socket
    journal: Path


@contextmanager
def door(folder: Path) -> Iterator[Door]:
    """Run the shipped door with one pair, until the block ends."""
    binary = _shipped(folder)
    with socket.create_server((HOST, 0)) as server, socket.create_server((HOST, 0)) as api_port:
        with socket.create_server((HOST, 0)) as pair_port:
            ports = api_port.getsockname()[1], pair_port.getsockname()[1]
        api_port.close()
        server.settimeout(LIMIT_S)
        spec = {"name": PAIR, "listen": f"{HOST}:{ports[1]}", "upstream": f"{HOST}:{server.getsockname()[1]}"}
        (folder / "pairs.json").write_text(json.dumps([spec]))
        journal = folder / "door-db.jsonl"
        argv = [
            binary,
            "-host",
            HOST,
            "-port",
            str(ports[0]),
            "-pairs",
            folder / "pairs.json",
            "-journal",
            journal,
        ]
        with subprocess.Popen([str(word) for word in argv], stdout=subprocess.DEVNULL) as running:
            try:
                api = DoorApi(HOST, ports[0])
                eventually_in_thread(api.is_up, "the door answers", LIMIT_S)
                api.ensure({LINK: Peer(PAIR, HOST)})
                yield Door(api, ports[1], server, journal)
            finally:
                running.terminate()


def _shipped(folder: Path) -> Path:
    """Return the door's program, as its image has it."""
    engine = ComposeEngine("anchored-faults", project_root(), build_environment)
    engine.ensure_images(["toxiproxy"], print)
    door_image = next(one for one in images.CATALOGUE if one.service == "toxiproxy")
    made = _docker("create", images.reference(door_image, project_root()))
    try:
        _docker("cp", f"{made}:/toxiproxy", str(folder / "toxiproxy"))
    finally:
        _docker("rm", made)
    return folder / "toxiproxy"


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def _same(found: Door, case: Case, repeats: int) -> int:
    """Return how many repeats struck at the anchor's byte; each that did not is printed."""
    began, count = time.monotonic(), 0
    for number in range(repeats):
        trouble = _trouble(found, case, number)
        count += not trouble
        if trouble and number - count < SHOWN:
            print(f"  repeat {number} of {case.point.text(PAIR)}: {trouble}")
    took_s = time.monotonic() - began
    print(f"{case.point.text(PAIR)}: {count} of {repeats} in {took_s:.1f} s", flush=True)
    return count


def _trouble(found: Door, case: Case, number: int) -> str:
    """Return what one repeat did otherwise than it must; "" where nothing."""
    fault_id = f"f-{CASES.index(case)}-{number}"
    with socket.create_connection((HOST, found.port), LIMIT_S) as client:
        server, _ = found.server.accept()
        with server:
            server.settimeout(LIMIT_S)
            if case.is_websocket:
                client.sendall(GET)
                _read(server, len(GET))
                server.sendall(UPGRADE)
                _read(client, len(UPGRADE))
            anchor = Anchor((LINK,), case.point)
            found.api.begin_fault(
                fault_body(Injection(fault_id, (LINK,), anchor=anchor), LinkEffect(action=LinkAction.reset))
            )
            was_reset = _scatter(client, case.sends, random.Random(number))
            received, how_read = _read(server, case.received)
            answer_reset = how_read or _send(server, ANSWER)
            more, how = _rest(server, answer_reset)
            answered, how_client = _rest(client, was_reset)
    state = found.api.wait_fault(fault_id, LIMIT_S)
    struck = None if state.anchor is None else state.anchor.struck
    found.api.end_fault(fault_id)
    if (received + more, how) != (case.sends[: case.received], "reset"):
        return f"the server received {len(received + more)} bytes, then {how}"
    # Before the anchored byte has come the server may answer to the bytes before it.
    may_answer = case.point.before and not case.point.response
    if (answered and not (may_answer and answered == ANSWER)) or how_client != "reset":
        return f"the client received {answered!r}, then {how_client}"
    counted = 0 if case.point.response else case.before + case.received
    if struck is None or not struck.exact or struck.bytes != counted:
        return f"the door says {struck}"
    return ""


def _scatter(client: socket.socket, data: bytes, draw: random.Random) -> bool:
    """Send data in pieces of drawn sizes. Returns whether the connection was reset meanwhile."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data:
        size = draw.randint(1, 60)
        if _send(client, data[:size]):
            return True
        data = data[size:]
    return False


def _send(one: socket.socket, data: bytes) -> bool:
    """Send data, and return whether that found a reset: the kernel tells it once, to the first call."""
    try:
        one.sendall(data)
    except ConnectionResetError:
        return True
    return False


def _read(one: socket.socket, size: int) -> tuple[bytes, bool]:
    """Return `size` bytes, or fewer where the connection ends, and whether it was reset."""
    data = b""
    try:
        while len(data) < size and (more := one.recv(size - len(data))):
            data += more
    except ConnectionResetError:
        return data, True
    return data, False


def _rest(one: socket.socket, was_reset: bool) -> tuple[bytes, str]:
    """Return what still comes, and how the connection ends; one that was reset has told so already."""
    data = b""
    try:
        while more := one.recv(4096):
            data += more
    except ConnectionResetError:
        return data, "reset"
    except TimeoutError:
        return data, "silence"
    return data, "reset" if was_reset else "FIN"


def _recorded(journal: Path, expected: int) -> Sequence[Mapping[str, Any]]:
    """Return the strikes of the journal, once all are written."""

    def all_strikes() -> Sequence[Mapping[str, Any]] | None:
        whole = journal.read_bytes().rpartition(b"\n")[0]
        lines = (json.loads(line) for line in whole.splitlines())
        found = [line for line in lines if line["event"] == "fault_struck" and line["exact"]]
        return found if len(found) >= expected else None

    return eventually_in_thread(all_strikes, f"{expected} strikes are in the journal", LIMIT_S, 0.1)


if __name__ == "__main__":
    sys.exit(main())
