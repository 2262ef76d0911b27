"""What the prober of a run of the reference system is started with, and when it probes more. Pure."""

from __future__ import annotations

from functools import reduce

import msgspec

from chaos.prober.probe_rate import ProbeRate, ProbeWindow
from chaos.prober.settings import ProberSettings
from driver.reference.system import link_names, reference_system, worker_links
from driver.scenarios.plan import Plan
from driver.scenarios.probe_schedule import probe_rate, windows_of


def settings_json(plan: Plan, reads_windows: bool) -> str:
    """Return STORMLAB_PROBER. A prober that takes no windows probes at the highest rate all the time."""
    usual = ProbeRate()
    if not reads_windows:
        usual = reduce(ProbeRate.at_least, (probe_rate(fault) for fault in plan.faults), usual)
    settings = ProberSettings(links=worker_links(plan.clients), usual=usual, seed=plan.seed)
    return msgspec.json.encode(settings).decode()


def probe_windows(plan: Plan, zero_ns: int) -> list[ProbeWindow]:
    """Return the windows of a plan, whose times count from `zero_ns`."""
    return windows_of(plan.faults, link_names(reference_system(plan.clients)), zero_ns)
