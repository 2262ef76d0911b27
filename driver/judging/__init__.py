"""Judging: receipts of faults, findings of expectations, and the verdict on a run.

Imports `driver.checks`, `driver.histories`, `driver.metrics`, `driver.scenarios`, `chaos` and `wire`; pure.
Begin with `verdict` and `expectations` for a run, and with `receipts` for the proof of a fault.
"""
