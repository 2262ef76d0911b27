"""Runs: one run of a plan, or a group of runs, from the first container to the verdict.

Imports `driver.labs`, `driver.systems`, `driver.loads`, `driver.observations`, `driver.report`,
`driver.results`, `driver.judging`, `driver.scenarios`, `driver.engines` and `driver.histories`.
Begin with `run` (a whole run), then `run_phases` (what happens in the lab) and `run_subject` (what that needs
of the reference system, or of a foreign one); `group_run` repeats runs.
"""
