"""A file that is there while the worker is connected: what the container's health check looks for."""

from __future__ import annotations

from pathlib import Path


class Health:
    """Touches the file on the first sign of a connection, and removes it on the first sign of none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shown: bool | None = None

    def show(self, connected: bool) -> None:
        """Let the file say so."""
        if connected == self._shown:
            return
        self._shown = connected
        if connected:
            self._path.touch()
        else:
            self._path.unlink(missing_ok=True)
