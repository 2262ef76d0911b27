"""The load: open-loop, as the seed and the mix say, whatever the machine does."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import msgspec
import pytest

from coordinator.submission import validation_error
from driver.reference.workload import Workload, generate
from wire.control import TaskSpec


def workload(**keys: Any) -> Workload:
    return Workload.model_validate({"rate": "20/s", "kinds": [{"kind": "noop"}], **keys})


def tasks(
    load: Workload, seed: int = 1, duration_s: float = 60.0, start_ns: int = 0
) -> list[tuple[float, TaskSpec]]:
    return list(generate(load, seed, duration_s, start_ns))


def test_constant_arrivals_are_evenly_spaced() -> None:
    moments = [at_s for at_s, _ in tasks(workload(arrivals="constant"), duration_s=2.0)]
    assert moments == [number / 20 for number in range(40)]


def test_poisson_arrivals_have_their_rate_and_random_gaps() -> None:
    moments = [at_s for at_s, _ in tasks(workload(), duration_s=200.0)]
    assert 3700 < len(moments) < 4300
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    # A Poisson process has as much spread as mean; even spacing would have none.
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.9 < spread / mean < 1.1


def test_bursts_come_together_and_keep_the_rate() -> None:
    moments = Counter(at_s for at_s, _ in tasks(workload(arrivals="burst", burst=40), duration_s=10.0))
    assert dict(moments) == {0.0: 40, 2.0: 40, 4.0: 40, 6.0: 40, 8.0: 40}


@pytest.mark.parametrize("to", ["60/s", "2/s", "20/s"])
def test_a_ramp_reaches_its_rate_at_the_end(to: str) -> None:
    load = workload(arrivals="ramp", to=to)
    moments = [at_s for at_s, _ in tasks(load, duration_s=100.0)]
    assert len(moments) == pytest.approx(load.expected(100.0), abs=1)
    assert moments == sorted(moments)
    assert moments[-1] <= 100.0
    last = sum(at_s >= 90 for at_s in moments) / 10
    assert last == pytest.approx(
        20 + (load.ramp_to_per_s or 0) * 0 + ((load.ramp_to_per_s or 0) - 20) * 0.95, abs=0.5
    )


def test_the_same_seed_gives_the_same_tasks_and_another_others() -> None:
    load = workload(kinds=[{"kind": "sleep", "params": {"sleep_ms": "5..500"}, "payload": "100B"}])
    assert tasks(load, seed=3) == tasks(load, seed=3)
    assert tasks(load, seed=3) != tasks(load, seed=4)


def test_every_task_has_a_name_of_its_own_and_an_intended_start() -> None:
    found = tasks(workload(), start_ns=1_000_000_000)
    assert len({task.task_id for _, task in found}) == len(found)
    assert all(task.intended_ns == 1_000_000_000 + round(at_s * 1e9) for at_s, task in found)


def test_kinds_and_priorities_come_in_their_shares() -> None:
    load = workload(
        rate="100/s",
        kinds=[{"kind": "noop", "share": "80%"}, {"kind": "cpu", "share": "20%", "params": {"cpu_ms": 1}}],
        priorities={"high": "20%", "normal": "50%", "low": "30%"},
        failures="10%",
    )
    found = [task for _, task in tasks(load, duration_s=100.0)]
    kinds = Counter(task.kind for task in found)
    priorities = Counter(task.priority for task in found)
    assert kinds["fail"] / len(found) == pytest.approx(0.1, abs=0.02)
    assert kinds["cpu"] / len(found) == pytest.approx(0.18, abs=0.02)
    assert priorities["high"] / len(found) == pytest.approx(0.2, abs=0.02)
    assert priorities["low"] / len(found) == pytest.approx(0.3, abs=0.02)


def test_params_are_drawn_between_their_bounds() -> None:
    load = workload(kinds=[{"kind": "sleep", "params": {"sleep_ms": "20..200"}}])
    drawn = [msgspec.json.decode(task.params)["sleep_ms"] for _, task in tasks(load)]
    assert all(isinstance(value, int) and 20 <= value <= 200 for value in drawn)
    assert len(set(drawn)) > 50


def test_a_payload_has_its_size_and_does_not_compress_away() -> None:
    import zlib

    load = workload(rate="1/s", arrivals="constant", kinds=[{"kind": "noop", "payload": "10KiB"}])
    payload = json.loads(bytes(tasks(load)[0][1].params))["payload"]
    assert len(payload) == 10 * 1024
    assert len(zlib.compress(payload.encode())) > 0.7 * len(payload)


def test_the_number_of_tasks_is_computed_before_the_run() -> None:
    assert workload().expected(60.0) == 1200


SLEEPS: tuple[dict[str, Any], ...] = ({"sleep_ms": 5}, {"sleep_ms": "1..3600000"})


def _heavy(size_bytes: int, params: dict[str, Any]) -> Workload:
    kind = {"kind": "sleep", "params": params, "payload": f"{size_bytes}B"}
    return workload(rate="1/s", arrivals="constant", kinds=[kind])


@pytest.mark.parametrize("params", SLEEPS)
@pytest.mark.parametrize("size_bytes", [1, 10_000, 63_000, 65_000, 65_200])
def test_a_payload_that_passes_here_is_taken_by_the_coordinator(
    size_bytes: int, params: dict[str, Any]
) -> None:
    assert [validation_error(task) for _, task in tasks(_heavy(size_bytes, params))] == [None] * 60


@pytest.mark.parametrize("params", SLEEPS)
@pytest.mark.parametrize("size_bytes", [65_400, 65_536, 100_000, 524_288])
def test_a_payload_that_the_coordinator_would_refuse_does_not_pass_here(
    size_bytes: int, params: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"65\d\d\d"):
        _heavy(size_bytes, params)
