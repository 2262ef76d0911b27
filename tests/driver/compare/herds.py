"""Runs of a herd made by hand: workers with full jitter against an outage, on machines that differ."""

from __future__ import annotations

import random

from driver.compare.core import Sample

BASE_S = 0.25


def herd(
    seed: int, cap_s: float = 0.4, workers: int = 20, rounds: int = 2, outage_s: float = 5.0, name: str = "",
    scenario: str = "herd", duration_s: float = 45.0, verdict: str = "passed",
) -> Sample:  # fmt: skip
    """One run. Every dial takes as long as the machine is slow today."""
    rng = random.Random(seed)
    slow = rng.lognormvariate(0, 0.4)
    found: dict[str, dict[str, float]] = {
        "back_after_heal_mean_s": {},
        "longest_wait_mean_s": {},
        "attempts_per_reconnection_mean": {},
        "reconnection_time_mean_s": {},
        "handshake_time_mean_s": {},
    }
    for worker in (f"worker-{number}" for number in range(1, workers + 1)):
        trips = [_trip(rng, cap_s, outage_s, 0.005 * slow) for _ in range(rounds)]
        for place, metric in enumerate(found):
            found[metric][worker] = sum(trip[place] for trip in trips) / rounds
    latency_s = 0.02 * slow * rng.lognormvariate(0, 0.1)
    return Sample(
        name=name or f"run-{seed}",
        scenario=scenario,
        duration_s=duration_s,
        clients=workers,
        verdict=verdict,
        because="so it was",
        values={"task_success_rate": 1.0, "task_latency_p50_s": latency_s, "results_refused": 0.0},
        by_client=found,
        settings={"worker.cap_ms": str(round(cap_s * 1000))},
    )


def _trip(rng: random.Random, cap_s: float, outage_s: float, dial_s: float) -> tuple[float, ...]:
    """One way back: after the heal, longest wait, attempts, whole time, handshake."""
    now_s, longest_s, attempts = 0.0, 0.0, 0
    while True:
        wait_s = rng.uniform(0, min(cap_s, BASE_S * 2 ** min(attempts, 20)))
        longest_s = max(longest_s, wait_s)
        now_s += wait_s
        attempts += 1
        took_s = dial_s * rng.lognormvariate(0, 0.3)
        if now_s >= outage_s:
            return now_s + took_s - outage_s, longest_s, attempts, now_s + took_s, took_s
        now_s += took_s
