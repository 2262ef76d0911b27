"""Histories: typed events read from a run's journals, and what is derived from them alone.

Imports `wire` and `chaos` alone; all but `journals` and `journal_folder` is pure.
Begin with `history` (one run's events), then `run_timeline`, `connection_history` and `task_history`.
"""
