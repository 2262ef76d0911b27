"""Comparison of runs, or of groups of runs: what differs, by how much, and what is noise.

Imports `driver.histories`, `driver.judging`, `driver.metrics`, `driver.report`, `driver.results` and
`driver.scenarios`. Begin with `build`, which makes a report from folders; `core` compares two groups.
"""
