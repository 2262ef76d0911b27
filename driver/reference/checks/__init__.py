"""Checks of the reference system: of its tasks, its sessions and its processes, one module each. Pure."""

import driver.checks  # noqa: F401  (its catalogue imports these modules, and must not find one half made)
