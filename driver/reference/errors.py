"""Errors of the reference system's lab."""

from __future__ import annotations

from driver.errors import ControlError


class CoordinatorError(ControlError):
    """The coordinator's control API does not answer, or refused a request."""
