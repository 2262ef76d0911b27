"""Forensics: how a run's clients reconnected, which policy they followed, and the outcome of other policies.
Pure.

Imports `wire`, `driver.histories`, `driver.metrics` and `driver.scenarios`. Begin with
`analysis`, which makes every result once.
"""
