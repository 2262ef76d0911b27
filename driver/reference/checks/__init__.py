"""Checks of the reference system: of its tasks, its sessions and its processes, one module each. Pure."""
