"""Histories: typed events read from a run's journals, and what is derived from them alone.

Imports `wire` and `chaos`, and of the driver `files` alone. Pure, but for `journals`,
`live_journals`, `journal_folder` and `driver_journal`.
Begin with `history` (one run's events), then `run_timeline`, `connection_history` and `task_history`.
"""
