"""Families of metrics that the reference system alone has, one module each. Pure."""

import driver.metrics  # noqa: F401  (its catalogue imports these modules, and must not find one half made)
