"""The suite: the tests, then every scenario, each in a process of its own, and one summary.

Imports `driver.scenarios`, `driver.labs`, `driver.engines` and `driver.report`.
Begin with `entry` (an entry's outcome) and `runner` (runs all of them).
"""
