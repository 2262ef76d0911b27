"""Forensics: how a run's workers reconnected, which policy they followed, and the outcome of other policies.
Pure.

It imports `wire`, driver.histories and driver.metrics. Begin with analysis.py, which makes every result once.
"""
