"""Names of environment variables by which a command finds the ports of a system."""

from __future__ import annotations

import re


def port_variable(service: str, port: int) -> str:
    """Return the variable of a service's port: `WEB_8000`."""
    return f"{re.sub(r'[^A-Z0-9]', '_', service.upper())}_{port}"
