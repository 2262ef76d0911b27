"""Memory and CPU of the containers, by the driver's samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from driver.histories.events import ResourceSample
from driver.histories.history import SERVER, History
from driver.histories.run_timeline import run_timeline
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values

_LOWER = Better.lower

CONTAINER = "container"

METRICS = tuple(
    replace(metric, on_system=role == CONTAINER)
    for role, words in (
        ("worker", "the workers' containers"),
        ("coordinator", "the coordinator's container"),
        (CONTAINER, "the containers under test"),
    )
    for metric in (
        Metric(f"memory_{role}_mean_bytes", Unit.bytes, _LOWER, f"mean of all samples of memory of {words}"),
        Metric(f"memory_{role}_max_bytes", Unit.bytes, _LOWER, f"largest sample of memory of {words}"),
        Metric(
            f"cpu_{role}_mean_cores",
            Unit.cores,
            _LOWER,
            f"CPU seconds ÷ seconds between samples, mean over {words}",
        ),
        Metric(
            f"cpu_{role}_max_cores",
            Unit.cores,
            _LOWER,
            f"most CPU seconds ÷ seconds between two samples of {words}",
        ),
    )
)


@dataclass(frozen=True)
class ContainerUsage:
    """One container's memory at each sample, and its mean cores since the sample before (first: 0)."""

    at_ns: list[int]
    memory_bytes: list[int]
    cpu_cores: list[float]


def usage(history: History) -> dict[str, ContainerUsage]:
    """Return every container's usage by name, until the drain's end."""
    end_ns = history.view(run_timeline).end_ns
    samples: dict[str, list[ResourceSample]] = {}
    for sample in history.of(ResourceSample):
        if sample.at_ns <= end_ns:
            samples.setdefault(sample.container, []).append(sample)
    return {container: _usage(found) for container, found in samples.items()}


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    used = history.view(usage)
    values: Values = {}
    roles = {
        "worker": set(history.clients),
        "coordinator": {SERVER},
        CONTAINER: set(history.tested),
    }
    for role, names in roles.items():
        chosen = [found for container, found in used.items() if container in names]
        memory = [size for found in chosen for size in found.memory_bytes]
        cpu = [cores for found in chosen for cores in found.cpu_cores[1:]]
        values[f"memory_{role}_mean_bytes"] = sum(memory) / len(memory) if memory else None
        values[f"memory_{role}_max_bytes"] = max(memory, default=None)
        values[f"cpu_{role}_mean_cores"] = sum(cpu) / len(cpu) if cpu else None
        values[f"cpu_{role}_max_cores"] = max(cpu, default=None)
    return values


def _usage(samples: list[ResourceSample]) -> ContainerUsage:
    cores = [0.0]
    for before, after in pairwise(samples):
        # A restarted container counts its CPU from zero.
        used_s = after.cpu_s - before.cpu_s if after.cpu_s >= before.cpu_s else after.cpu_s
        passed_s = (after.at_ns - before.at_ns) / 1e9
        cores.append(used_s / passed_s if passed_s > 0 else 0.0)
    return ContainerUsage([s.at_ns for s in samples], [s.memory_bytes for s in samples], cores)


BROKEN_BY = {"": ("numbers_changed",)}
FAMILY = MetricFamily("Resources", METRICS, measure, rank=70, broken_by=BROKEN_BY, on_system=True)
