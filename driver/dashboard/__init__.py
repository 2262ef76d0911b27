"""The dashboard: a live model of one lab, folded from its journals, for the web page and for `lab.py top`.

Imports `driver.histories`, `metrics`, `checks`, `scenarios`, `engines`, `labs`, `results`, `suite`, `compare`,
`chaos` and `wire`; never `driver.cli`, which imports it. Begin with `model` and `feed` (journals to model),
`dashboard` (the loop) and `server` (HTTP).
"""
