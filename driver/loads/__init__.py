"""Loads of a foreign system: what calls it from outside, and writes down what became of each operation.

Begin with `load`, the base of every kind, and `catalogue`, which lists the kinds. `load_group` runs several
side by side; `operation_log` bounds, counts and writes their operations.
"""
