"""Results: the folders of runs and of groups of runs, what their files hold, and judging a stored run.

Imports `driver.histories`, `driver.metrics`, `driver.checks`, `driver.scenarios` and `driver.judging`.
Begin with `run_folder` (the files), then `judged_run` (from a folder to a verdict).
"""
