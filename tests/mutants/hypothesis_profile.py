"""A pytest plugin: generated examples are the same each time, and a slow machine is no reason to fail."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mutants", derandomize=True, deadline=None, database=None)
settings.load_profile("mutants")
