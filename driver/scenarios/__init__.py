"""Scenarios: from a YAML file to a plan in which the seed has fixed every target and time.

Imports `driver.checks`, `driver.metrics`, `chaos` and `wire`; pure but for reading files.
Begin with `scenario` (the model), `scenario_file` (reading one) and `resolve` (its plan).
"""
