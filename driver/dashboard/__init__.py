"""The dashboard: a live model of one lab, folded from its journals, for the web page and for `lab.py top`.

Imports of the driver `histories`, `metrics`, `checks`, `scenarios`, `engines`, `labs`, `results`, `suite` and
`compare`, never `cli`, which imports it; and `chaos` and `wire`.
Begin with `model` and `feed` (journals to model), `dashboard` (the loop) and `server` (HTTP).
"""
