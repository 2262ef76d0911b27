"""A fault of a worker's container takes nothing from the proof of a fault of its link: the prober's own
connections pass the link all the while.
"""

from __future__ import annotations

import pytest

from chaos.catalogue import FAULTS
from chaos.fault import ContainerFault
from driver.judging.receipts import prove
from tests.driver.scenario.line import Line, during
from tests.driver.scenario.prober_story import Story
from tests.driver.scenario.test_receipts import act

HIT, SPARED = "worker-1", "worker-2"
PARAMS: dict[str, dict[str, object]] = {"cpu": {"cores": 0.1}, "memory": {"limit": "64MiB"}}
OF_CONTAINERS = sorted(name for name, fault in FAULTS.items() if issubclass(fault, ContainerFault))


@pytest.mark.parametrize("kind", OF_CONTAINERS)
def test_a_latency_is_proved_while_its_worker_s_container_is_under_a_fault(kind: str) -> None:
    late = during(20, 40, 300)
    line = Line(HIT, 7, up_ms=late, down_ms=late)
    story = Story()
    line.emit(story, 10, 48)
    Line(SPARED, 7).emit(story, 10, 48)
    latency = act("latency", [HIT], "slow", 20, 40, mean="300ms")
    # One that is over in an instant comes again and again.
    begins_s = [24.0] if FAULTS[kind].lasting else [24.0 + 2 * number for number in range(6)]
    params = PARAMS.get(kind, {})
    beside = [act(kind, [HIT], f"beside-{begin_s}", begin_s, 36, **params) for begin_s in begins_s]
    proof = prove([latency, *beside], story.history(), [HIT, SPARED])[0]
    assert proof.proved, proof.because
    assert proof.measured["held_share"] > 0.95
