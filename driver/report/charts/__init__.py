"""Charts of a report: lanes, curves, distributions and plots, as data or as positions of marks.

Imports `driver.forensics`, `driver.histories`, `driver.metrics` and `driver.scenarios`; pure.
Begin with `lanes` (the timeline) and `curves`; `scatter` is also a comparison's plot.
"""
