"""Scenario × defect: systems with a defect, built for a test, that a scenario must not pass."""
