"""Observations: what a scenario reads from a foreign system, a kind a module.

Begin with `observation` and `catalogue`; `observer` reads them during a run. Readings go straight to
containers, beside the doors, so that no fault on a link is on them.
"""
