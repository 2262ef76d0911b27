"""A piece of advice: a change, the figures that it rests on, and the effect to expect."""

from __future__ import annotations

from driver.forensics.settings import advised_s, client_settings, server_settings
from driver.histories.history import History
from driver.metrics import METRICS, Metrics
from driver.metrics.quantities import write
from driver.report.advice import Setting
from wire.policies import POLICIES
from wire.settings import CoordinatorSettings, WorkerSettings


def coordinator_setting(history: History, key: str, factor: float) -> Setting:
    """Return the change of a number in the coordinator's settings, `factor` times its value, at least 1."""
    now = getattr(server_settings(history), key)
    # A default has no line in the scenario that a diff could take out.
    written = "" if now == getattr(CoordinatorSettings(), key) else str(now)
    return Setting("coordinator", key, written, str(max(1, round(now * factor))))


def cap_setting(history: History, factor: float) -> Setting:
    """Return the change of the workers' cap, by default the coordinator's advised one, by a factor."""
    own_ms = client_settings(history).cap_ms
    cap_ms = own_ms if own_ms is not None else advised_s(history)[1] * 1e3
    now = "" if own_ms is None else str(own_ms)
    return Setting("worker", "cap_ms", now, str(max(1, round(cap_ms * factor))))


def policy_settings(history: History, policy: str) -> tuple[Setting, ...]:
    """Return the changes to another policy, with the coordinator's base and cap in place of the workers'."""
    settings = client_settings(history)
    # A name outside the catalogue is the worker's own text, which no diff to copy may contain.
    is_shown = settings.policy in POLICIES and settings.policy != WorkerSettings().policy
    now = settings.policy if is_shown else ""
    own = [(key, value) for key in ("base_ms", "cap_ms") if (value := getattr(settings, key)) is not None]
    changed = [Setting("worker", "policy", now, policy)] if settings.policy != policy else []
    return (*changed, *(Setting("worker", key, str(value), "") for key, value in own))


def figure(metrics: Metrics, name: str) -> str:
    """Return a metric's value as text, with its unit."""
    return write(metrics.values[name], METRICS[name].unit)


def number(metrics: Metrics, name: str) -> float:
    """Return a metric's value, 0.0 where it is unknown: advice rests on known figures alone."""
    return metrics.values[name] or 0.0
