"""The page of the reference lab, for `lab.py dashboard`."""

from __future__ import annotations

from pathlib import Path

from driver.cli.dashboard import ServedPage
from driver.dashboard.run_history import RunHistory
from driver.engines.engine import Engine
from driver.reference.dashboard.dashboard import Dashboard
from driver.reference.dashboard.lab_monitor import LabMonitor
from driver.reference.dashboard.server import make_app


def lab_page(
    engine: Engine, read_only: bool = False, lab_port: int | None = None, results: Path | None = None
) -> ServedPage:
    """Return the page of the reference lab."""
    dashboard = Dashboard(LabMonitor(engine), read_only, lab_port, results)
    history = RunHistory(dashboard.results)
    return ServedPage(lambda auth: make_app(dashboard, history, auth, read_only), dashboard.wait_failed)
