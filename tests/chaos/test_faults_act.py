"""Each fault calls its actuator as its effect needs."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.actuator import ActuatorError, Injection, LinkAction, LinkEffect, Toxic
from chaos.catalogue import make
from chaos.directions import Direction
from tests.chaos.fake_actuator import FakeActuator

INJECTION = Injection("f1", ("worker-1", "worker-2"), seed=7)
UP, DOWN, BOTH = Direction.to_server, Direction.to_client, Direction.both


@pytest.mark.parametrize(
    ("name", "params", "toxic"),
    [
        (
            "latency",
            {"mean": "200ms", "jitter": "50ms", "direction": "to_worker"},
            Toxic("delay", DOWN, {"mean_ms": 200.0, "jitter_ms": 50.0, "distribution": "uniform"}),
        ),
        ("bandwidth", {"rate": "64KB/s"}, Toxic("throttle", BOTH, {"rate_bytes_per_s": 64_000})),
        (
            "fragment",
            {"size": "64B", "gap": "20ms"},
            Toxic("fragment", BOTH, {"size_bytes": 64, "gap_ms": 20.0}),
        ),
        ("stall", {"direction": "to_coordinator"}, Toxic("hold", UP)),
        ("partition", {}, Toxic("hold", BOTH)),
        ("blackhole", {}, Toxic("blackhole", BOTH)),
        ("truncate", {"direction": "to_worker"}, Toxic("truncate", DOWN, {"mode": "mid_frame"})),
        ("truncate", {"keep": "1KB"}, Toxic("truncate", BOTH, {"mode": "bytes", "after_bytes": 1000})),
        ("corrupt", {"rate": "1e-4"}, Toxic("corrupt", BOTH, {"rate_per_byte": 1e-4, "flip": "bit"})),
        ("drop", {"probability": "5%"}, Toxic("drop", BOTH, {"probability": 0.05})),
        ("duplicate", {"probability": "5%"}, Toxic("duplicate", BOTH, {"probability": 0.05})),
        ("fail_first", {"connections": 3}, Toxic("fail_first", UP, {"connections": 3, "how": "fin"})),
        ("reject", {}, Toxic("reject", UP, {"status": 503})),
        ("reject", {"retry_after": "2s"}, Toxic("reject", UP, {"status": 503, "retry_after_s": 2})),
        ("hang", {}, Toxic("hang", UP)),
    ],
)
async def test_a_fault_is_this_toxic(name: str, params: dict[str, Any], toxic: Toxic) -> None:
    actuator = FakeActuator()
    times = await make(name, params).begin(actuator, INJECTION)
    assert actuator.effects == {"f1": LinkEffect((toxic,))}
    assert set(times) == set(INJECTION.targets)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("cut", LinkAction.cut),
        ("reset", LinkAction.reset),
        ("refuse", LinkAction.refuse),
        ("block_new_only", LinkAction.block_new),
        ("one_sided_close side=client", LinkAction.fin_client),
        ("one_sided_close side=client how=rst", LinkAction.rst_client),
        ("one_sided_close side=server", LinkAction.fin_server),
        ("one_sided_close side=server how=rst", LinkAction.rst_server),
    ],
)
async def test_a_fault_is_this_action(name: str, action: LinkAction) -> None:
    actuator = FakeActuator()
    fault, *params = name.split()
    await make(fault, dict(one.split("=", 1) for one in params)).begin(actuator, INJECTION)
    assert actuator.effects == {"f1": LinkEffect(action=action)}


@pytest.mark.parametrize(
    ("name", "params", "begins", "ends"),
    [
        ("pause", {}, "pause", "unpause"),
        ("kill", {}, "kill", "start"),
        ("stop", {"grace": "3s"}, "stop 3", "start"),
        ("restart", {}, "restart 10", "start"),
        ("unplug", {}, "unplug", "plug"),
        ("cpu", {"cores": 0.5}, "limit 0.5 None", "unlimit cpus"),
        ("memory", {"limit": "64MiB"}, "limit None 67108864", "unlimit memory"),
    ],
)
async def test_a_container_fault_does_this_to_each_and_undoes_it(
    name: str, params: dict[str, Any], begins: str, ends: str
) -> None:
    actuator = FakeActuator()
    fault = make(name, params)
    assert set(await fault.begin(actuator, INJECTION)) == set(INJECTION.targets)
    assert actuator.calls == [(begins, "worker-1"), (begins, "worker-2")]
    actuator.calls.clear()
    assert set(await fault.end(actuator, INJECTION)) == set(INJECTION.targets)
    assert actuator.calls == [(ends, "worker-1"), (ends, "worker-2")]


@pytest.mark.parametrize(("name", "begun_ns"), [("restart", 500), ("stop", 500), ("kill", 1), ("pause", 1)])
async def test_what_takes_its_time_begins_when_it_is_asked_for(name: str, begun_ns: int) -> None:
    injection = Injection("f1", ("worker-1",), begin_at_ns=500)
    assert await make(name, {}).begin(FakeActuator(), injection) == {"worker-1": begun_ns}


async def test_a_link_fault_ends_by_its_id() -> None:
    actuator = FakeActuator()
    await make("stall", {}).end(actuator, INJECTION)
    assert actuator.calls == [("release", "f1")]


async def test_a_target_that_fails_does_not_keep_the_others_from_being_hit() -> None:
    actuator = FakeActuator(broken={"worker-1"})
    with pytest.raises(ActuatorError, match="worker-1 cannot be touched"):
        await make("pause", {}).begin(actuator, INJECTION)
    assert ("pause", "worker-2") in actuator.calls


@pytest.mark.parametrize(
    ("name", "params", "for_s", "cuts"),
    [
        ("refuse", {}, 1.0, True),
        ("cut", {}, None, True),
        ("latency", {"mean": "200ms"}, 60.0, False),
        ("stall", {}, 3.0, False),
        ("stall", {}, 20.0, True),
        ("one_sided_close", {"side": "server"}, 1.0, True),
        ("pause", {}, 20.0, True),
        ("corrupt", {"rate": "1e-4"}, 60.0, False),
        ("flap", {"of": "refuse", "down": "1s", "up": "1s"}, 60.0, True),
    ],
)
def test_a_fault_declares_whether_it_disconnects_a_worker(
    name: str, params: dict[str, Any], for_s: float | None, cuts: bool
) -> None:
    assert make(name, params).disconnects(for_s, notice_s=4.0) is cuts
