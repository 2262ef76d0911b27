"""The lab itself: delays of the driver, and load of its machine."""

from __future__ import annotations

from driver.histories.events import MachineSample
from driver.histories.history import History
from driver.histories.machine_load import driver_delays, loads
from driver.metrics.metric import Better, Metric, MetricFamily, Unit, Values

METRICS = (
    Metric(
        "driver_lateness_max_s", Unit.seconds, Better.lower,
        "largest delay of the driver itself: its event loop, begins and ends of faults, tasks submitted",
    ),
    Metric(
        "machine_runnable_per_core_max", Unit.factor, Better.lower,
        "runnable processes ÷ processor cores, mean over 10 s, the largest",
    ),
    Metric(
        "machine_steal_max_ratio", Unit.ratio, Better.lower,
        "share of processor time that other machines took, mean over 10 s, the largest",
    ),
    Metric(
        "machine_cpu_pressure_max_ratio", Unit.ratio, Better.lower,
        "share of time in which a process waited for a processor (PSI), mean over 10 s, the largest; unknown "
        "where the kernel reports none",
    ),
)  # fmt: skip


def measure(history: History) -> Values:
    """Return the values of METRICS."""
    samples = history.of(MachineSample)
    late = [one.late_s for one in driver_delays(history)]
    over = loads(samples)
    pressures = [one.cpu_pressure for one in over if one.cpu_pressure is not None]
    return {
        "driver_lateness_max_s": max(late, default=None),
        "machine_runnable_per_core_max": max((one.runnable_per_core for one in over), default=None),
        "machine_steal_max_ratio": max((one.steal_ratio for one in over), default=None),
        "machine_cpu_pressure_max_ratio": max(pressures, default=None),
    }


BROKEN_BY = {"driver": ("driver_late",), "machine": ("numbers_changed",)}
FAMILY = MetricFamily("Lab", METRICS, measure, rank=80, broken_by=BROKEN_BY, on_system=True)
