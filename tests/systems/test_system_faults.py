"""Claims about faults by hand on a foreign system, on real containers: examples/doors, as it is."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from driver.cli.options import build_environment
from driver.cli.system_place import SystemPlace
from driver.engines import images
from driver.engines.compose_engine import ComposeEngine
from driver.labs.end_request import EndRequest
from driver.labs.injection_effect import InjectionEffect
from driver.labs.lab_lock import lab_lock
from driver.labs.manual_injection import await_effect, inject
from driver.paths import project_root
from driver.terminal import Terminal
from tests.waiting import eventually_in_thread

FILE = project_root() / "examples/doors/compose.yaml"
SYSTEM = ("--system", str(FILE))
LIMIT_S, LEASE_S = 30.0, 20.0
LINK, OTHER_DOOR = "worker[2]->orders:5432", "worker[3]->stock:5432"


def lab_py(*words: str, code: int = 0) -> str:
    """The output of a command of lab.py, which must exit with that code."""
    done = subprocess.run(_argv(*words), capture_output=True, text=True, timeout=180)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def _argv(*words: str) -> list[str]:
    return [sys.executable, str(project_root() / "lab.py"), *words]


@pytest.fixture(scope="module", autouse=True)
def system() -> Iterator[None]:
    """The example, up behind doors for all tests of this file."""
    engine = ComposeEngine("doors-faults", project_root(), build_environment)
    engine.ensure_images(["toxiproxy", "prober", "worker"], print)
    worker = next(one for one in images.CATALOGUE if one.service == "worker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON_IMAGE", images.reference(worker, project_root()))
        patch.setenv("PYTHON", "/venv/bin/python")
        lab_py("down", *SYSTEM)
        lab_py("up", *SYSTEM, "--any-ports")
        try:
            yield
        finally:
            lab_py("down", *SYSTEM)


@pytest.fixture(autouse=True)
def well_afterwards() -> Iterator[None]:
    """Each test leaves the system as it was."""
    yield
    lab_py("heal", *SYSTEM)


def links() -> dict[str, dict[str, Any]]:
    """The links of the system by name."""
    return {one["link"]: one for one in json.loads(lab_py("links", *SYSTEM, "--json"))}


def faults() -> dict[str, list[dict[str, Any]]]:
    """What `faults` says."""
    found: dict[str, list[dict[str, Any]]] = json.loads(lab_py("faults", *SYSTEM, "--json"))
    return found


def status() -> dict[str, Any]:
    """What `status` says."""
    found: dict[str, Any] = json.loads(lab_py("status", *SYSTEM, "--json"))
    return found


def begun(*words: str) -> subprocess.Popen[str]:
    """An `inject` that runs, once its fault is on."""
    running = subprocess.Popen(
        _argv("inject", *words, *SYSTEM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def is_on() -> bool:
        assert running.poll() is None, running.communicate()
        found = faults()
        return any(one["id"] for one in (*found["links"], *found["containers"]))

    eventually_in_thread(is_on, "the fault is on", LIMIT_S, poll_s=0.2)
    return running


def ended(running: subprocess.Popen[str]) -> str:
    """What a command printed, once it has ended."""
    return running.communicate(timeout=60)[0]


def proved(fault: str, selection: str, for_s: float | None, **params: Any) -> InjectionEffect:
    """The effect of a fault by hand that ran to its end."""
    place = SystemPlace(FILE)
    planned, _ = place.plan(fault, params, selection, for_s, seed=7)
    with lab_lock(place.project, "inject", fault, *place.words, shared=True):
        site, request = place.site(), EndRequest(place.project)
        injection = asyncio.run(inject(site, planned, request, Terminal()))
    return asyncio.run(await_effect(site, injection, planned, Terminal()))


def test_a_stall_of_one_replica_is_proved_on_it_alone() -> None:
    said = lab_py("inject", "stall", "--links", "worker[2]->orders", "--for", "6s", *SYSTEM)
    assert "stall is over; worker[2]->orders:5432 healed." in said
    assert "proved: seen on worker[2]->orders:5432: " in said
    assert "links were spared" in said


def test_a_fault_begins_on_two_doors_at_one_instant() -> None:
    effect = proved("refuse", f"{LINK}, {OTHER_DOOR}", 6.0)
    assert effect.is_proved, effect.proof_text
    (proof,) = effect.proofs
    assert set(proof.hit) == {LINK, OTHER_DOOR}
    assert proof.measured["start_spread_ms"] < 50.0


def test_a_fault_of_a_client_says_which_links_lost_their_connections() -> None:
    said = lab_py("inject", "reset", "--links", "worker[1]->*", *SYSTEM)
    assert "effect: cut off 2 clients, all back" in said


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("pause", ()),
        ("kill", ()),
        ("stop", ("--grace", "1s")),
        ("unplug", ()),
        ("cpu", ("--cores", "0.1")),
        ("memory", ("--limit", "64MiB")),
    ],
)
def test_a_fault_of_a_service_is_proved_by_the_engine(fault: str, more: tuple[str, ...]) -> None:
    said = lab_py("inject", fault, "orders", "--for", "4s", *more, *SYSTEM)
    assert f"{fault} is over; orders[1] healed." in said
    assert "\nproved: seen on orders[1]: " in said
    assert status()["degraded"] == {}


def test_a_restart_of_one_replica_is_proved() -> None:
    assert "proved: seen on stock[2]: " in lab_py("inject", "restart", "stock[2]", *SYSTEM)


def test_links_carry_bytes_again_after_their_server_was_unplugged() -> None:
    lab_py("inject", "unplug", "orders", "--for", "3s", *SYSTEM)
    before = links()[LINK]["bytes_to_client"]
    eventually_in_thread(lambda: links()[LINK]["bytes_to_client"] > before, "bytes come", LIMIT_S, poll_s=0.2)


@pytest.mark.parametrize(
    ("words", "target"),
    [(("stall", "--links", "worker[1]->*", "--for", "600s"), "worker[1]->orders:5432"),
     (("pause", "orders", "--for", "600s"), "orders[1]")],
)  # fmt: skip
def test_heal_in_another_terminal_ends_a_fault_and_its_command(words: tuple[str, ...], target: str) -> None:
    running = begun(*words)
    assert target in lab_py("heal", *SYSTEM)
    assert "was ended elsewhere" in ended(running)
    assert running.returncode == 2
    assert faults() == {"links": [], "containers": []}


@pytest.mark.parametrize("words", [("stall", "--links", "worker[1]->*"), ("pause", "orders")])
def test_ctrl_c_ends_a_fault(words: tuple[str, ...]) -> None:
    running = begun(*words)
    running.send_signal(signal.SIGINT)
    said = ended(running)
    assert f"{words[0]} was stopped" in said
    assert faults() == {"links": [], "containers": []}


def test_faults_of_a_killed_command_end_by_their_lease_on_every_door() -> None:
    running = begun("refuse", "--links", "worker[1]->*", "--for", "600s")
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    began = time.monotonic()
    eventually_in_thread(lambda: not faults()["links"], "the faults end", LEASE_S, poll_s=0.2)
    assert time.monotonic() - began < LEASE_S
    assert not any(one["faults"] for one in links().values())


@pytest.mark.parametrize(
    "words", [("kill", "orders"), ("unplug", "stock[2]"), ("cpu", "web", "--cores", "0.1")]
)
def test_heal_restores_what_a_killed_command_left(words: tuple[str, ...]) -> None:
    running = begun(*words, "--for", "600s")
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    lab_py("heal", *SYSTEM)
    assert status()["degraded"] == {}


def test_a_container_that_the_system_ended_itself_stays_as_it_is() -> None:
    web = next(one for one in SystemPlace(FILE).running().engine.containers() if one.name == "web[1]")
    subprocess.run(["docker", "kill", web.id], check=True, capture_output=True)
    try:
        assert "web[1] (exited)" in lab_py("heal", *SYSTEM)
        assert status()["degraded"] == {"web[1]": ["exited"]}
        lab_py("inject", "pause", "orders", "--for", "2s", *SYSTEM)
        assert status()["degraded"] == {"web[1]": ["exited"]}
    finally:
        subprocess.run(["docker", "start", web.id], check=True, capture_output=True)


def test_what_connects_from_outside_is_refused_alone() -> None:
    effect = proved("refuse", "outside->web", 5.0)
    assert effect.is_proved, effect.proof_text


def test_targets_are_named_before_anything_is_hurt() -> None:
    said = lab_py("inject", "cut", "--links", "50% of worker->orders", "--seed", "3", "--dry-run", *SYSTEM)
    assert said.count("->orders:5432") == 2
    assert "there are 7 containers and 18 links" in said
