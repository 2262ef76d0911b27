"""The page of a foreign system, for `lab.py dashboard --system`."""

from __future__ import annotations

from pathlib import Path

from driver.cli.dashboard import ServedPage
from driver.cli.system_place import SystemPlace
from driver.dashboard.system_dashboard import SystemDashboard
from driver.dashboard.system_monitor import SystemMonitor
from driver.dashboard.system_server import make_system_app


def system_page(file: Path, read_only: bool) -> ServedPage:
    """Return the page of the system of a Compose file."""
    place = SystemPlace(file)
    dashboard = SystemDashboard(SystemMonitor(place.project, place.running), str(file.resolve()), read_only)
    return ServedPage(lambda auth: make_system_app(dashboard, auth, read_only), dashboard.wait_failed)
