"""Controls that change events of the reference system, one module each. Pure."""

import driver.controls  # noqa: F401  (its catalogue imports these modules, and must not find one half made)
